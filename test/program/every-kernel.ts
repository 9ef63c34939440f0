// Graphs whose programs hold every kernel between them.
import type { CostModel } from '../../src/lower/cost-model.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import type { LoweringPlan } from '../../src/compile/lower-graph.ts';
import type { LinearWeights } from '../../src/lower/lowering.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Program } from '../../src/program/program.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { forced, overPlanes } from '../program.ts';
import { bytePrograms } from './byte-programs.ts';

const rank4 = (
  build: (g: GraphBuilder, x: string) => string[],
  shape = [1, 4, 5, 6],
  costModel: CostModel = defaultCostModel,
) => {
  const g = new GraphBuilder(3);
  return { graph: g.finish(...build(g, g.input(shape))), costModel };
};

const geometry = { dilation: [1, 1], pads: [1, 1, 1, 1], stride: [2, 2] } as const;

const conv = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;

/** A linear layer whose weights are rounded, some groups of them pruned. */
const rounded = (linearWeights: LinearWeights, batch: number) => {
  const weights = randomFloats(5)(32 * 512).map((w, i) => (i % 96 < 32 ? 0 : w));
  const build = (g: GraphBuilder, x: string) => [g.node('linear', {}, x, g.constant([32, 512], weights))];
  return { ...rank4(build, [batch, 512], forced.dense), linearWeights };
};

/** Values in bytes, through every operator that has kernels for them. Products of all weights have this kernel. */
const inBytes = (product: 'i8_dot_12x4' | 'i8_dot_24x2' | 'i8_dot_52x1') => {
  const g = new GraphBuilder(4);
  const geometry = { stride: [1, 1], pads: [1, 1, 0, 0], ceilMode: false } as const;
  const x = g.node('unary', { fn: 'identity' }, g.input([2, 6, 5, 6]));
  const table = g.node('unary', { fn: 'sigmoid' }, x);
  const sum = g.node('binary', { fn: 'add' }, x, table);
  const largest = g.node('maxPool', { kernel: [2, 2], dilation: [1, 1], ...geometry }, sum);
  const means = g.node('averagePool', { kernel: [2, 2], countIncludePad: true, ...geometry }, largest);
  const mean = g.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, means);
  const scaled = g.node('binary', { fn: 'mul' }, means, mean);
  const shuffled = g.node('gather', { axis: 1 }, scaled, g.constant([6], [0, 3, 1, 4, 2, 5]));
  let y = shuffled;
  // blocks of 1, 2 and 4 rows that are kept
  for (const rows of [1, 2, 4]) {
    const kept = Array.from({ length: 8 * 6 }, (_, i) => (Math.floor(i / 6) % 8 < rows && i % 6 > 3 ? 1 : 0));
    y = g.node(
      'conv2d',
      { ...conv, activation: rows === 2 ? { fn: 'silu' } : undefined },
      y,
      g.constant([8, 6, 1, 1], kept),
    );
    if (rows < 4) y = g.nodes('split', { axis: 1, sizes: [6, 2] }, [y], 2)[0];
  }
  const depthwise = { ...conv, pads: [1, 1, 1, 1], groups: 8 } as const;
  y = g.node('conv2d', depthwise, y, g.constant([8, 1, 3, 3], new Float32Array(72).fill(1)));
  const all = g.node('conv2d', conv, y, g.constant([3, 8, 1, 1], new Float32Array(24).fill(1)));
  const graph = g.finish(all, g.node('unary', { fn: 'identity' }, shuffled));
  for (const { inputs, outputs, op, attributes } of graph.nodes) {
    const bytes = { scale: 0.01, zero: 20, most: 127 } as const;
    for (const value of outputs) {
      if (!graph.outputs.some((port) => port.value === value)) graph.values.get(value)!.bytes = bytes;
    }
    if (op !== 'conv2d') continue;
    const weights = graph.values.get(inputs[1])!;
    weights.rowScales = new Float32Array(weights.shape[0]).fill(1);
    if ('activation' in attributes && attributes.activation) Object.assign(attributes, { sumBytes: bytes });
  }
  const { costs } = defaultCostModel;
  return { graph, costModel: { ...defaultCostModel, costs: { ...costs, [product]: { group: 0, vector: 0 } } } };
};

export interface Case extends LoweringPlan {
  graph: Graph;
  costModel: CostModel;
}

/** By name, what compiles to programs in which every kernel is. */
export const everyKernel: Record<string, Case> = {
  'values in bytes': inBytes('i8_dot_12x4'),
  'values in bytes, blocks of two rows': inBytes('i8_dot_24x2'),
  'values in bytes, blocks of single rows': inBytes('i8_dot_52x1'),
  ...Object.fromEntries(
    Object.entries(forced).map(([encoding, costModel]) => [
      `convolutions, ${encoding}`,
      rank4((g, x) => [g.conv2d(g.conv2d(g.conv2d(x, 5, 1), 6, 3, geometry), 3, 2, { stride: [3, 3] })], [2, 4, 5, 6], {
        ...costModel,
      }),
    ]),
  ),
  ...Object.fromEntries(
    (
      [
        ['int8', 'dense'],
        ['int8', 4],
        ['int4', 'dense'],
        ['int4', 1],
      ] as const
    ).map(([weights, encoding]) => [
      `weights saved as ${weights}, ${encoding}`,
      { ...rank4((g, x) => [g.conv2d(g.conv2d(x, 130, 1), 33, 1)], [1, 4, 3, 2], forced[encoding]), weights },
    ]),
  ),
  "Winograd's tiles": rank4(
    (g, x) => [g.conv2d(g.conv2d(x, 7, 3), 3, 3, { pads: [0, 2, 1, 1], activation: { fn: 'silu' } })],
    [2, 3, 5, 6],
    forced.winograd,
  ),
  "Winograd's small tiles": {
    ...rank4((g, x) => [g.conv2d(x, 5, 3)], [1, 3, 5, 6], forced.winograd),
    winograd: 2,
    weights: 'int8',
  },
  'linear, dense': rank4(
    (g, x) => [g.node('linear', {}, x, g.constant([5, 6]), g.constant([5]))],
    [2, 6],
    forced.dense,
  ),
  'linear, sparse': rank4((g, x) => [g.node('linear', {}, x, g.constant([5, 6]))], [2, 6], forced[1]),
  'linear, groups': rank4((g, x) => [g.node('linear', {}, x, g.constant([5, 6]))], [2, 6], forced[4]),
  'linear, 8 bits': rounded('int8', 3),
  'linear, 4 bits': rounded('int4', 5),
  'linear, planes': rank4((g, x) => [g.node('linear', {}, x, g.constant([24, 16]))], [8, 16], overPlanes),
  'depthwise 3×3 in steps': rank4((g, x) => [g.conv2d(x, 8, 3, { groups: 4, ...geometry })], [1, 4, 8, 8]),
  depthwise: rank4((g, x) => [
    g.conv2d(x, 8, 3, { groups: 4, ...geometry }),
    g.conv2d(x, 4, 5, { groups: 4, activation: { fn: 'silu' } }),
    g.conv2d(x, 4, 3, { groups: 4, dilation: [2, 1], pads: [2, 2, 2, 2] }),
    g.conv2d(x, 4, 3, { groups: 4, pads: [0, 0, 0, 0] }),
  ]),
  'slopes, by tiles': rank4((g, x) => [g.withSlopes(g.conv2d(x, 5, 3))], [1, 3, 5, 6], forced.winograd),
  slopes: rank4((g, x) => [
    g.withSlopes(g.conv2d(x, 5, 1)),
    g.withSlopes(g.conv2d(x, 4, 3)),
    g.withSlopes(g.conv2d(x, 8, 3, { groups: 4 })),
    g.withSlopes(g.conv2d(x, 8, 5, { groups: 4 })),
  ]),
  'depthwise 5×5 in steps': rank4(
    (g, x) => [g.conv2d(x, 2, 5, { ...geometry, groups: 2, pads: [2, 2, 2, 2] })],
    [1, 2, 9, 9],
  ),
  pools: rank4((g, x) => [
    g.node('maxPool', { kernel: [3, 2], ceilMode: false, ...geometry }, x),
    g.node(
      'averagePool',
      { kernel: [2, 2], stride: [1, 2], pads: [0, 1, 1, 0], ceilMode: true, countIncludePad: false },
      x,
    ),
  ]),
  elementwise: rank4((g, x) => [
    g.node('binary', { fn: 'mul' }, g.node('unary', { fn: 'sigmoid' }, x), g.constant([4, 1, 6])),
    g.node('binary', { fn: 'pow', activation: { fn: 'tanh' } }, x, g.constant([1])),
  ]),
  'softmax and sums': rank4((g, x) => [
    g.node('softmax', { axis: 1, beta: 1 }, x),
    g.node('softmax', { axis: 3, beta: 2 }, x),
    g.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, x),
    g.node('reduce', { fn: 'max', axes: [1], keepDims: false }, x),
  ]),
  products: rank4((g, x) => [
    g.node('matmul', { transposeA: false, transposeB: true }, x, x),
    g.node('matmul', { transposeA: true, transposeB: false }, x, g.constant([5, 7])),
    g.node('matmul', { transposeA: false, transposeB: false }, x, g.constant([3, 1, 6, 9])),
  ]),
  selection: rank4((g, x) => {
    const largest = g.node('topK', { axis: 2, k: 3, largest: true }, x);
    const smallest = g.node('topK', { axis: 1, k: 2, largest: false }, x);
    return [
      g.node('takeAlongAxis', { axis: 2 }, x, largest),
      g.node('takeAlongAxis', { axis: 1 }, g.node('reshape', { shape: [1, 4, 30] }, x), g.constant([1, 2, 1], [3, -1])),
      smallest,
    ];
  }),
  resizing: rank4((g, x) => [
    g.node('resize', { mode: 'nearest', size: [10, 12], coordinates: 'asymmetric', nearest: 'floor' }, x),
    g.node('resize', { mode: 'nearest', size: [7, 5], coordinates: 'asymmetric', nearest: 'floor' }, x),
    g.node('resize', { mode: 'linear', size: [7, 9], coordinates: 'halfPixel', nearest: 'floor' }, x),
    g.node('gridSample', { mode: 'linear', padding: 'reflection', alignCorners: false }, x, g.constant([1, 3, 5, 2])),
  ]),
  copies: rank4((g, x) => [
    g.node('transpose', { permutation: [0, 2, 3, 1] }, x),
    g.node('gather', { axis: 2 }, x, g.constant([3], [4, 0, 2])),
    g.node('pad', { before: [0, 0, 1, 2], after: [0, 0, 2, 1], mode: 'constant', value: 3 }, x),
  ]),
};

/** By name, programs in which every kernel is: those of `everyKernel`, and some made by hand. */
export const everyProgram = (): [name: string, program: Program][] => [
  ...Object.entries(everyKernel).map(([name, plan]): [string, Program] => [
    name,
    lowerGraph(plan.graph, plan.costModel, plan),
  ]),
  ...Object.entries(bytePrograms),
];
