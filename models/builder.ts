// Describes a network node by node. Every method returns the names of its values, for use in the next. Activations are
// separate nodes, as in imported graphs; passes fuse them.
import { evaluateNode } from '../src/graph/evaluate.ts';
import { emptyGraph, type Graph, type Node, type Shape, valueOf } from '../src/graph/graph.ts';
import { inferOutputs } from '../src/graph/infer.ts';
import { verify } from '../src/graph/verify.ts';
import type { BinaryFunction } from '../src/ops/binary.ts';
import type { operators, OperatorName } from '../src/ops/index.ts';
import type { DenseTensor, Operator } from '../src/ops/operator.ts';
import type { Activation } from '../src/program/activations.ts';
import { elementCount } from '../src/tensor.ts';
import type { ImageRange, LayerDescription, Padding, ResolvedOptions } from './options.ts';
import { normals } from './random.ts';
import { drawWeights, normalise } from './weights.ts';

type AttributesOf<N extends OperatorName> = (typeof operators)[N] extends Operator<infer A> ? A : never;

export const relu: Activation = { fn: 'clamp', alpha: 0, beta: Infinity };
export const relu6: Activation = { fn: 'clamp', alpha: 0, beta: 6 };
export const silu: Activation = { fn: 'silu' };
export const sigmoid: Activation = { fn: 'sigmoid' };
export const hardSwish: Activation = { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 };
export const hardSigmoid: Activation = { fn: 'hardSigmoid', alpha: 1 / 6, beta: 0.5 };

export interface ConvOptions {
  /** Height and width. Default 1. */
  kernel?: number;
  /** Default 1. */
  stride?: number;
  activation?: Activation;
  /** Default `hidden`. */
  role?: 'first' | 'hidden' | 'last';
  /** Mean of the biases. Default 1 before SiLU and hard swish, else 0. */
  bias?: number;
}

/** Standard deviation of biases: small compared with outputs of 1. */
const biasDeviation = 0.1;

/**
 * Functions that grow faster than their input (twice the input gives more than twice the output). Through sixty layers, an
 * error of a hundredth would become a factor of a hundred. A bias of 1 moves most inputs to where they are nearly linear.
 */
function isSmooth({ fn }: Activation): boolean {
  return fn === 'silu' || fn === 'hardSwish';
}

/** Size of the noise image by which weights are scaled; a multiple of the largest stride. */
const calibrationSize = [64, 64] as const;

/**
 * Builds a network twice: at a small size, where weights are drawn and scaled until every layer's outputs on noise are about
 * 1, then at the requested size with those weights. They are the same at every size.
 * @param describe Describes the network and returns its outputs, values by name.
 */
export function buildNetwork(
  name: string,
  options: ResolvedOptions,
  describe: (b: NetworkBuilder) => Record<string, string>,
): Graph {
  const weights = new Map<string, Float32Array>();
  const small = new NetworkBuilder(name, { ...options, size: calibrationSize }, weights, new Map());
  describe(small);
  const b = new NetworkBuilder(name, options, weights);
  return b.finish(describe(b));
}

export class NetworkBuilder {
  readonly #graph: Graph;
  readonly #options: ResolvedOptions;
  readonly #padding: Padding;
  /** Weights by layer, made on first use. */
  readonly #weights: Map<string, Float32Array>;
  /** Values of the network on noise, while weights are scaled. */
  readonly #samples?: Map<string, DenseTensor>;

  constructor(
    name: string,
    options: ResolvedOptions,
    weights: Map<string, Float32Array>,
    samples?: Map<string, DenseTensor>,
  ) {
    this.#graph = emptyGraph(name);
    this.#options = options;
    this.#padding = options.padding ?? 'symmetric';
    this.#weights = weights;
    this.#samples = samples;
  }

  /** An image (1, 3, height, width) of pixels in this range. */
  image(name: string, [low, high]: ImageRange): string {
    const shape = [1, 3, ...this.#options.size];
    this.#graph.values.set(name, { name, shape, dtype: 'float32' });
    this.#graph.inputs.push({ value: name, name, dtype: 'float32' });
    const noise = () => normals(1, name, elementCount(shape)).map((n) => (low + high + (n * (high - low)) / 2) / 2);
    this.#samples?.set(name, { shape, data: noise() });
    return name;
  }

  shape(value: string): Shape {
    return valueOf(this.#graph, value).shape;
  }

  /** (1, C, H, W) → (1, outputs, H/stride, W/stride). */
  conv(name: string, x: string, outputs: number, options: ConvOptions = {}): string {
    const { kernel = 1, role = 'hidden' } = options;
    return this.#conv(x, { name, role, shape: [outputs, this.shape(x)[1], kernel, kernel] }, options);
  }

  /** (1, C, H, W) → (1, C, H/stride, W/stride), each channel separately. */
  depthwise(name: string, x: string, options: ConvOptions = {}): string {
    const { kernel = 3 } = options;
    return this.#conv(x, { name, role: 'depthwise', shape: [this.shape(x)[1], 1, kernel, kernel] }, options);
  }

  #conv(x: string, layer: LayerDescription, options: ConvOptions): string {
    const { stride = 1 } = options;
    const [, channels, height, width] = this.shape(x);
    const [, , kernelHeight, kernelWidth] = layer.shape;
    const [top, bottom] = this.#pads(height, kernelHeight, stride);
    const [left, right] = this.#pads(width, kernelWidth, stride);
    const attributes = {
      stride: [stride, stride],
      dilation: [1, 1],
      pads: [top, left, bottom, right],
      groups: layer.role === 'depthwise' ? channels : 1,
    };
    return this.#layer('conv2d', attributes, layer, layer.shape, x, options);
  }

  /** Zeros before and after an axis. */
  #pads(size: number, kernel: number, stride: number): [before: number, after: number] {
    if (this.#padding === 'symmetric') return [kernel >> 1, kernel >> 1];
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
    return [total >> 1, total - (total >> 1)];
  }

  /** (1, K) → (1, outputs). */
  linear(name: string, x: string, outputs: number, options: ConvOptions = {}): string {
    const shape = [outputs, this.shape(x).at(-1)!] as const;
    const { role = 'hidden' } = options;
    return this.#layer('linear', {}, { name, role, shape: [...shape, 1, 1] }, shape, x, options);
  }

  /** A node with weights and a bias. */
  #layer(
    op: 'conv2d' | 'linear',
    attributes: object,
    layer: LayerDescription,
    shape: Shape,
    x: string,
    { activation, bias = activation && isSmooth(activation) ? 1 : 0 }: ConvOptions,
  ): string {
    const { name, role } = layer;
    const { seed, sparsity } = this.#options;
    const weightsName = `${name}/weights`;
    const biasName = `${name}/bias`;
    let weights = this.#weights.get(name);
    if (!weights) {
      const isChosen = sparsity?.layers ?? (({ role }: LayerDescription) => role === 'hidden');
      const rows = { rows: shape[0], columns: elementCount(shape.slice(1)), isDepthwise: role === 'depthwise' };
      weights = drawWeights(seed, weightsName, rows, sparsity && isChosen(layer) ? sparsity : undefined);
      this.#weights.set(name, weights);
    }
    const biases = normals(seed, biasName, shape[0]).map((n) => bias + biasDeviation * n);
    this.constant(weightsName, shape, weights);
    this.constant(biasName, [shape[0]], biases);
    const node: Node = { name, op, inputs: [x, weightsName, biasName], outputs: [name], attributes };
    this.#push(node);
    if (this.#samples) {
      const [sample] = evaluateNode(this.#graph, { ...node, inputs: [x, weightsName] }, this.#samples);
      normalise(weights, biases, sample.data);
      this.#samples.set(name, sample);
    }
    return activation ? this.activate(name, activation) : name;
  }

  /** Applies a function to every element. */
  activate(x: string, { fn, alpha = 0, beta = 0 }: Activation): string {
    return this.node(`${x}/${fn}`, 'unary', { fn, alpha, beta }, [x]);
  }

  binary(name: string, fn: BinaryFunction, a: string, b: string): string {
    return this.node(name, 'binary', { fn }, [a, b]);
  }

  concat(name: string, axis: number, inputs: string[]): string {
    return this.node(name, 'concat', { axis }, inputs);
  }

  split(name: string, x: string, axis: number, sizes: number[]): string[] {
    const outputs = sizes.map((_, i) => `${name}/${i}`);
    this.#add({ name, op: 'split', inputs: [x], outputs, attributes: { axis, sizes } });
    return [...outputs];
  }

  /** The largest of each kernel × kernel window; the size stays. */
  maxPool(name: string, x: string, kernel: number): string {
    const pad = kernel >> 1;
    const pads = [pad, pad, pad, pad] as const;
    const window = { kernel: [kernel, kernel], stride: [1, 1], dilation: [1, 1], pads, ceilMode: false } as const;
    return this.node(name, 'maxPool', window, [x]);
  }

  /** (1, C, H, W) → (1, C, 1, 1). */
  globalAverage(name: string, x: string): string {
    return this.node(name, 'reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, [x]);
  }

  /** (1, C, H, W) → (1, C, 2·H, 2·W), each pixel four times. */
  upsample(name: string, x: string): string {
    const [, , height, width] = this.shape(x);
    const size = [2 * height, 2 * width] as const;
    return this.node(name, 'resize', { mode: 'nearest', size, coordinates: 'asymmetric', nearest: 'floor' }, [x]);
  }

  reshape(name: string, x: string, shape: Shape): string {
    return this.node(name, 'reshape', { shape }, [x]);
  }

  transpose(name: string, x: string, permutation: number[]): string {
    return this.node(name, 'transpose', { permutation }, [x]);
  }

  constant(name: string, shape: Shape, data: Float32Array): string {
    if (this.#graph.values.has(name)) throw new Error(`${this.#graph.name}: there are two values ${name}`);
    this.#graph.values.set(name, { name, shape, dtype: 'float32', data });
    return name;
  }

  /** A node with one output, which has the node's name. */
  node<N extends OperatorName>(name: string, op: N, attributes: AttributesOf<N>, inputs: string[]): string {
    this.#add({ name, op, inputs, outputs: [name], attributes: attributes as object });
    return name;
  }

  #add(node: Node): void {
    this.#push(node);
    if (!this.#samples) return;
    const results = evaluateNode(this.#graph, node, this.#samples);
    node.outputs.forEach((output, i) => this.#samples!.set(output, results[i]));
  }

  #push(node: Node): void {
    const taken = node.outputs.find((output) => this.#graph.values.has(output));
    if (taken) throw new Error(`${this.#graph.name}: there are two values ${taken}`);
    this.#graph.nodes.push(node);
    inferOutputs(this.#graph, node);
  }

  /** The graph, with these values as outputs by name. */
  finish(outputs: Record<string, string>): Graph {
    for (const [name, value] of Object.entries(outputs)) {
      this.#graph.outputs.push({ value, name, dtype: 'float32' });
    }
    verify(this.#graph);
    return this.#graph;
  }
}
