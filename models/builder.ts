// Writes a network down node by node; every method returns names of values to use in the next. Activations are nodes of
// their own, as importers have them: passes fuse them.
import { emptyGraph, type Graph, type Node, type Shape, valueOf } from '../src/graph/graph.ts';
import { inferOutputs } from '../src/graph/infer.ts';
import { verify } from '../src/graph/verify.ts';
import type { BinaryFunction } from '../src/ops/binary.ts';
import type { operators, OperatorName } from '../src/ops/index.ts';
import type { Operator } from '../src/ops/operator.ts';
import type { Activation } from '../src/program/activations.ts';
import { elementCount } from '../src/tensor.ts';
import { activated, added, joined, type Moments, multiplied } from './moments.ts';
import type { LayerDescription, Padding, ResolvedOptions } from './options.ts';
import { normals } from './random.ts';
import { drawWeights } from './weights.ts';

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
  /** Mean of the biases. Default 0. */
  bias?: number;
}

/** Standard deviation of biases: small beside outputs of 1. */
const biasDeviation = 0.1;

export class NetworkBuilder {
  readonly #graph: Graph;
  readonly #options: Pick<ResolvedOptions, 'seed' | 'sparsity'>;
  readonly #padding: Padding;
  readonly #moments = new Map<string, Moments>();

  constructor(name: string, options: Pick<ResolvedOptions, 'seed' | 'sparsity'>, padding: Padding = 'symmetric') {
    this.#graph = emptyGraph(name);
    this.#options = options;
    this.#padding = padding;
  }

  /** An image (1, 3, height, width), taken to have mean 0 and variance 1. */
  image(name: string, [height, width]: readonly [number, number]): string {
    this.#graph.values.set(name, { name, shape: [1, 3, height, width], dtype: 'float32' });
    this.#graph.inputs.push({ value: name, name, dtype: 'float32' });
    this.#moments.set(name, { mean: 0, variance: 1 });
    return name;
  }

  shape(value: string): Shape {
    return valueOf(this.#graph, value).shape;
  }

  /** (1, C, H, W) → (1, outputs, H/stride, W/stride). */
  conv(name: string, x: string, outputs: number, options: ConvOptions = {}): string {
    const { kernel = 1, role = 'hidden' } = options;
    const shape = [outputs, this.shape(x)[1], kernel, kernel] as const;
    return this.#conv(x, { name, role, shape }, options);
  }

  /** (1, C, H, W) → (1, C, H/stride, W/stride), each channel by itself. */
  depthwise(name: string, x: string, options: ConvOptions = {}): string {
    const { kernel = 3 } = options;
    return this.#conv(x, { name, role: 'depthwise', shape: [this.shape(x)[1], 1, kernel, kernel] }, options);
  }

  #conv(x: string, layer: LayerDescription, { stride = 1, activation, bias }: ConvOptions): string {
    const { name, role, shape } = layer;
    const [, channels, height, width] = this.shape(x);
    const [top, bottom] = this.#pads(height, shape[2], stride);
    const [left, right] = this.#pads(width, shape[3], stride);
    const y = this.node(
      name,
      'conv2d',
      {
        stride: [stride, stride],
        dilation: [1, 1],
        pads: [top, left, bottom, right],
        groups: role === 'depthwise' ? channels : 1,
      },
      [x, ...this.#parameters(layer, shape, x, bias)],
    );
    this.#moments.set(y, { mean: bias ?? 0, variance: 1 });
    return activation ? this.activate(y, activation) : y;
  }

  /** Zeros before and after an axis. */
  #pads(size: number, kernel: number, stride: number): [before: number, after: number] {
    if (this.#padding === 'symmetric') return [kernel >> 1, kernel >> 1];
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
    return [total >> 1, total - (total >> 1)];
  }

  /** (1, K) → (1, outputs). */
  linear(name: string, x: string, outputs: number, { activation, role = 'hidden' }: ConvOptions = {}): string {
    const columns = this.shape(x).at(-1)!;
    const layer: LayerDescription = { name, role, shape: [outputs, columns, 1, 1] };
    const y = this.node(name, 'linear', {}, [x, ...this.#parameters(layer, [outputs, columns], x)]);
    this.#moments.set(y, { mean: 0, variance: 1 });
    return activation ? this.activate(y, activation) : y;
  }

  /** Weights and bias of a layer as constants. */
  #parameters(layer: LayerDescription, shape: Shape, x: string, bias = 0): [weights: string, bias: string] {
    const { name, role } = layer;
    const { seed, sparsity } = this.#options;
    const rows = shape[0];
    const isChosen = sparsity?.layers ?? (({ role }: LayerDescription) => role === 'hidden');
    const weights = drawWeights(
      seed,
      `${name}/weights`,
      { rows, columns: elementCount(shape.slice(1)), centred: role !== 'depthwise' },
      this.#momentsOf(x),
      sparsity && isChosen(layer) ? sparsity : undefined,
    );
    const biases = normals(seed, `${name}/bias`, rows).map((n) => bias + biasDeviation * n);
    return [this.constant(`${name}/weights`, shape, weights), this.constant(`${name}/bias`, [rows], biases)];
  }

  /** Applies a function to every element. */
  activate(x: string, activation: Activation): string {
    const { fn, alpha = 0, beta = 0 } = activation;
    const y = this.node(`${x}/${fn}`, 'unary', { fn, alpha, beta }, [x]);
    this.#moments.set(y, activated(this.#momentsOf(x), activation));
    return y;
  }

  binary(name: string, fn: BinaryFunction, a: string, b: string): string {
    const y = this.node(name, 'binary', { fn }, [a, b]);
    const combine = fn === 'mul' ? multiplied : added;
    this.#moments.set(y, combine(this.#momentsOf(a), this.#momentsOf(b)));
    return y;
  }

  concat(name: string, axis: number, inputs: string[]): string {
    const y = this.node(name, 'concat', { axis }, inputs);
    const parts = inputs.map((x) => ({ moments: this.#momentsOf(x), count: elementCount(this.shape(x)) }));
    this.#moments.set(y, joined(parts));
    return y;
  }

  split(name: string, x: string, axis: number, sizes: number[]): string[] {
    const outputs = sizes.map((_, i) => `${name}/${i}`);
    this.#push({ name, op: 'split', inputs: [x], outputs: [...outputs], attributes: { axis, sizes } });
    for (const y of outputs) this.#moments.set(y, this.#momentsOf(x));
    return outputs;
  }

  /** The largest of each kernel × kernel window; the size stays. */
  maxPool(name: string, x: string, kernel: number): string {
    const pad = kernel >> 1;
    const y = this.node(
      name,
      'maxPool',
      { kernel: [kernel, kernel], stride: [1, 1], dilation: [1, 1], pads: [pad, pad, pad, pad], ceilMode: false },
      [x],
    );
    // Neighbours are alike: about what four independent normal numbers give.
    const { mean, variance } = this.#momentsOf(x);
    this.#moments.set(y, { mean: mean + 1.03 * Math.sqrt(variance), variance: 0.49 * variance });
    return y;
  }

  /** (1, C, H, W) → (1, C, 1, 1). */
  globalAverage(name: string, x: string): string {
    const y = this.node(name, 'reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, [x]);
    // What is left varies between channels; a quarter is what networks of this kind show.
    const { mean, variance } = this.#momentsOf(x);
    this.#moments.set(y, { mean, variance: variance / 4 });
    return y;
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
    if (this.#graph.values.has(name)) throw new Error(`${this.#graph.name}: there are two constants ${name}`);
    this.#graph.values.set(name, { name, shape, dtype: 'float32', data });
    return name;
  }

  /** A node with one output, which has the node's name. Its moments are taken to be its first input's. */
  node<N extends OperatorName>(name: string, op: N, attributes: AttributesOf<N>, inputs: string[]): string {
    this.#push({ name, op, inputs, outputs: [name], attributes: attributes as object });
    this.#moments.set(name, this.#momentsOf(inputs[0]));
    return name;
  }

  #push(node: Node): void {
    if (this.#graph.values.has(node.outputs[0])) {
      throw new Error(`${this.#graph.name}: there are two nodes ${node.name}`);
    }
    this.#graph.nodes.push(node);
    inferOutputs(this.#graph, node);
  }

  #momentsOf(value: string): Moments {
    return this.#moments.get(value) ?? { mean: 0, variance: 1 };
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
