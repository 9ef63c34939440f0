// A synthetic network to measure the costs of kernels in context, between other layers: it has layers of the shapes of
// vision networks, at several densities.
import { uniform } from './noise.ts';
import { emptyGraph } from '../../graph/graph.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { inferOutputs } from '../../graph/infer.ts';
import { elementCount } from '../../tensor.ts';
import type { Activation } from '../../program/activations.ts';

/** Nonzeros over all weights, and how many rows share their zeros. */
const sparsities = [
  { density: 1, group: 1 },
  { density: 0.5, group: 1 },
  { density: 0.3, group: 4 },
  { density: 0.1, group: 1 },
  { density: 0.15, group: 2 },
  { density: 0.08, group: 4 },
  { density: 0.05, group: 1 },
  { density: 0.2, group: 1 },
  { density: 0.1, group: 1 },
  { density: 0.3, group: 1 },
  { density: 0.5, group: 4 },
  { density: 0.7, group: 1 },
];

const relu6: Activation = { fn: 'clamp', alpha: 0, beta: 6 };

/**
 * Channels of pointwise convolutions at each size, in a chain, with a depthwise one of stride 2 between sizes. The sizes of
 * one chain fill whole tiles, those of the other do not.
 */
const chains: [size: number, ...channels: number[]][][] = [
  [
    [56, 24, 64, 128],
    [28, 128, 256, 32, 192],
    [14, 192, 512, 512, 64, 384, 96],
    [7, 96, 576, 1024, 1024, 160, 960],
  ],
  [
    [80, 16, 64, 32],
    [40, 32, 128, 64, 192],
    [20, 192, 384, 128, 512],
    [10, 512, 256, 640],
    [5, 640, 320, 1280],
  ],
  [
    [96, 32, 8, 32, 16],
    [48, 16, 64, 96],
    [24, 96, 128, 32, 256],
    [12, 256, 512, 128],
    [6, 128, 1024, 256],
  ],
  [
    [104, 24, 48, 16],
    [52, 16, 96, 48],
    [26, 48, 256, 192],
    [13, 192, 512, 96, 384],
  ],
];

/** k×k convolutions: size of the input, channels in and out, kernel, stride. */
const convolutions = [
  [80, 16, 16, 3, 1],
  [40, 64, 64, 3, 1],
  [40, 64, 128, 3, 2],
  [20, 128, 64, 3, 1],
  [13, 96, 96, 3, 1],
  [26, 32, 24, 5, 1],
];

/** The graph, always the same. */
export function calibrationGraph(): Graph {
  const graph = emptyGraph('calibration');
  const b = new Builder(graph);
  b.input(8, 32);
  for (const [i, sparsity] of sparsities.entries()) {
    const chain = chains[i % chains.length];
    let x = b.map(chain[0][1], chain[0][0]);
    for (const [stage, [size, ...channels]] of chain.entries()) {
      if (stage > 0) x = b.depthwise(x, 3, 2);
      for (const outputs of channels.slice(1)) {
        x = b.conv(x, outputs, 1, 1, sparsity, relu6);
        if (outputs >= 256) x = b.depthwise(x, 3, 1);
      }
      if (size < 56 && size > 20) x = b.node('binary', { fn: 'add' }, x, b.conv(x, b.shape(x)[1], 1, 1, sparsity));
    }
    x = b.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, x);
    x = b.node('reshape', { shape: [1, b.shape(x)[1]] }, x);
    for (const outputs of [256, 1000]) {
      x = b.node('linear', {}, x, b.weights([outputs, b.shape(x)[1]], sparsity), b.noise([outputs], 0.1));
    }
    for (const [size, inputs, outputs, kernel, stride] of convolutions) {
      b.conv(b.map(inputs, size), outputs, kernel, stride, sparsity, relu6);
    }
  }
  b.others();
  return b.finish();
}

class Builder {
  readonly #graph: Graph;
  /** Uniform in [−1, 1). */
  readonly #random = uniform(1);

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  shape(value: string): readonly number[] {
    return this.#graph.values.get(value)!.shape;
  }

  /** A freshly written map, like the inputs of layers in a network: the input resized, and mixed. */
  map(channels: number, size: number): string {
    const at = { coordinates: 'asymmetric', nearest: 'floor', size: [size, size] };
    const resized = this.node('resize', { mode: 'nearest', ...at }, this.#graph.inputs[0].value);
    return this.conv(resized, channels, 1, 1, sparsities[0], relu6);
  }

  /** All operators other than matrix products, in their usual places. */
  others(): void {
    const dense = sparsities[0];
    const image = this.map(3, 224);
    for (const stride of [2, 1]) this.conv(image, 16, 3, stride, dense, relu6);
    for (const [channels, size] of [
      [96, 112],
      [144, 56],
      [64, 56],
      [192, 28],
      [512, 14],
      [960, 7],
    ]) {
      const x = this.map(channels, size);
      for (const kernel of [3, 5, 7]) for (const stride of [1, 2]) this.depthwise(x, kernel, stride);
      const other = this.unary(x, { fn: 'leakyRelu', alpha: 0.1 });
      this.node('binary', { fn: 'add' }, x, other);
      const gate = this.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, other);
      this.node('binary', { fn: 'mul' }, x, gate);
      this.node('concat', { axis: 1 }, this.unary(x, { fn: 'silu' }), other);
      this.unary(x, { fn: 'sigmoid' });
      this.conv(x, 64, 1, 1, dense, { fn: 'silu' });
      this.conv(x, 64, 1, 1, dense, { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 });
      for (const stride of [1, 2]) {
        const kernel = stride === 1 ? 5 : 2;
        const pad = stride === 1 ? 2 : 0;
        const pads = [pad, pad, pad, pad];
        const window = { kernel: [kernel, kernel], stride: [stride, stride], pads, ceilMode: false };
        this.node('maxPool', { ...window, dilation: [1, 1] }, x);
        this.node('averagePool', { ...window, countIncludePad: false }, x);
      }
      if (size > 56) continue;
      for (const mode of ['nearest', 'linear']) {
        const at = { coordinates: 'halfPixel', nearest: 'roundPreferFloor', size: [2 * size, 2 * size] };
        this.node('resize', { mode, ...at }, x);
      }
      const rows = this.node('transpose', { permutation: [0, 2, 3, 1] }, x);
      this.node('softmax', { axis: 3, beta: 1 }, rows);
    }
  }

  input(channels: number, size: number): string {
    const name = 'input';
    this.#graph.values.set(name, { name, shape: [1, channels, size, size], dtype: 'float32' });
    this.#graph.inputs.push({ value: name, name, dtype: 'float32' });
    return name;
  }

  /** A convolution that changes the size only by its stride. */
  conv(
    x: string,
    outputs: number,
    kernel: number,
    stride: number,
    sparsity: (typeof sparsities)[number],
    activation?: Activation,
  ): string {
    const weights = this.weights([outputs, this.shape(x)[1], kernel, kernel], sparsity);
    return this.#convolve(x, weights, outputs, kernel, stride, 1, activation);
  }

  depthwise(x: string, kernel: number, stride: number): string {
    const [, channels] = this.shape(x);
    const weights = this.noise([channels, 1, kernel, kernel], 1 / kernel);
    return this.#convolve(x, weights, channels, kernel, stride, channels, relu6);
  }

  #convolve(
    x: string,
    weights: string,
    outputs: number,
    k: number,
    s: number,
    groups: number,
    activation?: Activation,
  ) {
    const pad = k >> 1;
    const attributes = { stride: [s, s], dilation: [1, 1], pads: [pad, pad, pad, pad], groups, activation };
    return this.node('conv2d', attributes, x, weights, this.noise([outputs], 0.1));
  }

  unary(x: string, { fn, alpha = 0, beta = 0 }: Activation): string {
    return this.node('unary', { fn, alpha, beta }, x);
  }

  node(op: string, attributes: object, ...inputs: string[]): string {
    const name = `${op}${this.#graph.values.size}`;
    const node: Node = { name, op, inputs, outputs: [name], attributes };
    this.#graph.nodes.push(node);
    inferOutputs(this.#graph, node);
    return name;
  }

  /** (rows, …) weights that preserve the magnitude of their inputs. */
  weights(shape: readonly number[], { density, group }: (typeof sparsities)[number]): string {
    const columns = elementCount(shape.slice(1));
    const name = this.noise(shape, Math.sqrt(3 / (density * columns)));
    const data = this.#graph.values.get(name)!.data as Float32Array;
    for (let row = 0; row < shape[0]; row += group) {
      for (let column = 0; column < columns; column++) {
        if (Math.abs(this.#random()) < density) continue;
        for (let i = row; i < Math.min(row + group, shape[0]); i++) data[i * columns + column] = 0;
      }
    }
    return name;
  }

  noise(shape: readonly number[], scale: number): string {
    const name = `constant${this.#graph.values.size}`;
    const data = Float32Array.from({ length: elementCount(shape) }, () => scale * this.#random());
    this.#graph.values.set(name, { name, shape, dtype: 'float32', data });
    return name;
  }

  /** Reduces maps that nothing reads to their means, so that their memory is soon reused. */
  finish(): Graph {
    const read = new Set(this.#graph.nodes.flatMap((node) => node.inputs));
    const nodes = this.#graph.nodes.splice(0);
    for (const node of nodes) {
      this.#graph.nodes.push(node);
      let [value] = node.outputs;
      if (read.has(value)) continue;
      if (this.shape(value).length === 4 && node.op !== 'reduce') {
        value = this.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, value);
      }
      this.#graph.outputs.push({ value, name: value, dtype: 'float32' });
    }
    return this.#graph;
  }
}
