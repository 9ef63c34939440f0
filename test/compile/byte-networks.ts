// Networks for integer programs: one for each operator that works on bytes, between two layers.
import type { Graph } from '../../src/graph/graph.ts';
import { GraphBuilder } from '../graphs.ts';

/** A network whose middle is under test, between two layers that work on bytes. */
const between = (channels: number, size: number, middle: (g: GraphBuilder, x: string) => string, batch = 1) => {
  const g = new GraphBuilder(channels + size);
  const y = middle(g, g.conv2d(g.input([batch, 3, size, size + 1]), channels, 1));
  return g.finish(g.conv2d(y, 5, 1));
};

/** By name, networks of this many channels and this size. Each has an operator that has kernels for bytes. */
export const byteNetworks: Record<string, (channels: number, size: number) => Graph> = {
  'a pointwise layer': (c, s) => between(c, s, (_, x) => x),
  batches: (c, s) => between(c, s, (_, x) => x, 3),
  'a clamp': (c, s) => between(c, s, (g, x) => g.conv2d(x, c, 1, { activation: { fn: 'clamp', alpha: 0, beta: 0.7 } })),
  'a table after the sum': (c, s) => between(c, s, (g, x) => g.conv2d(x, c, 1, { activation: { fn: 'silu' } })),
  'a 3×3 layer': (c, s) => between(c, s, (g, x) => g.conv2d(x, c + 1, 3)),
  'a 3×3 layer in steps': (c, s) => between(c, s, (g, x) => g.conv2d(x, c, 3, { stride: [2, 2] })),
  'a depthwise layer': (c, s) => between(c, s, (g, x) => g.conv2d(x, c, 3, { groups: c })),
  'a residual': (c, s) => between(c, s, (g, x) => g.node('binary', { fn: 'add' }, g.conv2d(x, c, 1), x)),
  'a difference': (c, s) => between(c, s, (g, x) => g.node('binary', { fn: 'sub' }, g.conv2d(x, c, 1), x)),
  'a gate': (c, s) =>
    between(c, s, (g, x) => {
      const mean = g.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, x);
      const gate = g.conv2d(mean, c, 1, { activation: { fn: 'hardSigmoid', alpha: 0.2, beta: 0.5 } });
      return g.node('binary', { fn: 'mul' }, x, gate);
    }),
  'a concatenation': (c, s) =>
    between(c, s, (g, x) => g.node('concat', { axis: 1 }, g.conv2d(x, 8, 1), g.conv2d(x, c, 1), g.conv2d(x, 3, 1))),
  'a split': (c, s) =>
    between(c + 4, s, (g, x) => {
      const [a, b] = g.nodes('split', { axis: 1, sizes: [4, c] }, [x], 2);
      return g.node('concat', { axis: 1 }, g.conv2d(b, 4, 1), a);
    }),
  'a split inside words': (c, s) =>
    between(c + 3, s, (g, x) => {
      const [a, b] = g.nodes('split', { axis: 1, sizes: [3, c] }, [x], 2);
      return g.node('concat', { axis: 1 }, b, a);
    }),
  'a shuffle': (c, s) =>
    between(2 * c, s, (g, x) => {
      const [n, channels, h, w] = g.shape(x);
      const cut = g.node('reshape', { shape: [n, 2, channels / 2, h, w] }, x);
      const exchanged = g.node('transpose', { permutation: [0, 2, 1, 3, 4] }, cut);
      return g.node('reshape', { shape: [n, channels, h, w] }, exchanged);
    }),
  'largest of windows': (c, s) =>
    between(c, s, (g, x) => {
      const window = { kernel: [3, 3], stride: [2, 2], dilation: [1, 1], pads: [1, 1, 1, 1], ceilMode: false } as const;
      return g.node('maxPool', window, x);
    }),
  'means of windows': (c, s) =>
    between(c, s, (g, x) => {
      const window = { kernel: [3, 3], stride: [1, 1], pads: [1, 1, 1, 1], ceilMode: false } as const;
      return g.node('averagePool', { ...window, countIncludePad: c % 2 === 0 }, x);
    }),
  'twice the size': (c, s) =>
    between(c, s, (g, x) => {
      const [, , h, w] = g.shape(x);
      const size: [number, number] = [2 * h, 2 * w];
      return g.node('resize', { mode: 'nearest', size, coordinates: 'asymmetric', nearest: 'floor' }, x);
    }),
};
