// Networks that are small enough to prune in a test, and layers without one.
import type { Graph } from '../../src/graph/graph.ts';
import type { Layer } from '../../src/prune/layers.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';

/**
 * On an image of 3 × 16 × 16: a first convolution, a depthwise one, pointwise ones with a residual, a 3×3 one, one in two
 * groups, a pooled linear head.
 */
export function smallNetwork(seed = 1): Graph {
  const b = new GraphBuilder(seed);
  const relu = (x: string) => b.node('unary', { fn: 'clamp', alpha: 0, beta: Infinity }, x);
  const image = b.input([1, 3, 16, 16]);
  const first = relu(b.conv2d(image, 16, 3, { stride: [2, 2] }));
  const wide = relu(b.conv2d(first, 32, 1));
  const depthwise = relu(b.conv2d(wide, 32, 3, { groups: 32 }));
  const narrow = b.node('binary', { fn: 'add' }, b.conv2d(depthwise, 16, 1), first);
  const spatial = relu(b.conv2d(narrow, 24, 3));
  const grouped = relu(b.conv2d(spatial, 16, 1, { groups: 2 }));
  const pooled = b.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: false }, grouped);
  return b.finish(b.node('linear', {}, pooled, b.constant([10, 16]), b.constant([10])));
}

export function layerOf(shape: readonly [number, number, number, number], groups = 1): Layer {
  const [rows, inputs, kh, kw] = shape;
  return { name: 'layer', kind: 'convolution', shape, rows, columns: inputs * kh * kw, groups };
}

/** Random images for `smallNetwork`. */
export function smallSamples(count: number): Record<string, Tensor>[] {
  return Array.from({ length: count }, (_, i) => {
    return { input0: new Tensor('float32', [1, 3, 16, 16], randomFloats(100 + i)(3 * 16 * 16)) };
  });
}
