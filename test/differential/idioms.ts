// What exporters write, in several nodes: for the passes that find it.
import { inversePermutation } from '../../src/graph/permute.ts';
import type { GraphBuilder } from '../graphs.ts';
import type { Dice } from './dice.ts';
import type { NodeGenerator } from './operators.ts';
import { weights } from './weights.ts';

const clamp = (alpha: number, beta: number) => ({ fn: 'clamp', alpha, beta }) as const;

/** Numbers for each channel, or one for all. */
function factors(b: GraphBuilder, x: string, dice: Dice): string {
  const shape = b.shape(x);
  const channels = shape[Math.min(1, shape.length - 1)];
  if (shape.length !== 4) return dice.oneIn(3) ? b.constant([]) : b.constant([shape.at(-1)!]);
  return b.constant(dice.one([[1, channels, 1, 1], [channels, 1, 1], [1, 1, 1], []]));
}

/** Scales and shifts, as normalisation is spelt out. */
function affine(b: GraphBuilder, x: string, dice: Dice): string {
  let y = x;
  for (let i = dice.from(1, 2); i > 0; i--) {
    const fn = dice.one(['mul', 'add', 'sub', 'add', 'mul'] as const);
    const operands = [y, factors(b, x, dice)];
    y = b.node('binary', { fn }, ...(dice.oneIn(4) ? operands.toReversed() : operands));
  }
  return y;
}

function convolution(b: GraphBuilder, x: string, dice: Dice, pads?: number): string {
  const [, c] = b.shape(x);
  const groups = dice.one([1, 1, c]);
  const k = dice.one([1, 3]);
  const p = pads ?? dice.one([0, k >> 1, 1]);
  const geometry = {
    stride: dice.one([
      [1, 1],
      [2, 2],
    ] as const),
    dilation: [1, 1],
    pads: [p, p, p, p],
    groups,
  } as const;
  const operands = [weights(b, [groups === 1 ? dice.from(1, 8) : c, c / groups, k, k], dice)];
  if (dice.oneIn(2)) operands.push(b.constant([b.shape(operands[0])[0]]));
  return b.node('conv2d', geometry, x, ...operands);
}

/** Whether a window of three fits. */
const isLarge = (b: GraphBuilder, x: string) => b.shape(x)[2] > 2 && b.shape(x)[3] > 2;

const scaledBefore: NodeGenerator = (b, x, dice) => (isLarge(b, x) ? [convolution(b, affine(b, x, dice), dice)] : []);

const scaledAfter: NodeGenerator = (b, x, dice) =>
  isLarge(b, x) ? [gated(b, affine(b, convolution(b, x, dice), dice), dice)] : [];

const scaledLinear: NodeGenerator = (b, x, dice) => {
  const layer = (v: string) => b.node('linear', {}, v, weights(b, [dice.from(1, 8), b.shape(v).at(-1)!], dice));
  return [dice.oneIn(2) ? affine(b, layer(x), dice) : layer(affine(b, x, dice))];
};

const scaledTransposed: NodeGenerator = (b, x, dice) => {
  const [, c, h, w] = b.shape(x);
  if (h * w > 100) return [];
  const attributes = {
    stride: [2, 2],
    dilation: [1, 1],
    pads: [0, 0, 0, 0],
    outputPadding: [0, 0],
    groups: 1,
  } as const;
  return [affine(b, b.node('convTranspose2d', attributes, x, weights(b, [c, 3, 2, 2], dice)), dice)];
};

/** Activations as arithmetic, or nearly so. */
function gated(b: GraphBuilder, x: string, dice: Dice): string {
  const unary = (fn: 'sigmoid' | 'softplus' | 'tanh', v: string) => b.node('unary', { fn }, v);
  const binary = (fn: 'mul' | 'add' | 'div' | 'max' | 'min' | 'prelu', ...operands: string[]) =>
    b.node('binary', { fn }, ...operands);
  const six = () => binary('div', b.node('unary', clamp(0, 6), binary('add', x, b.scalar(3))), b.scalar(6));
  const ways: (() => string)[] = [
    () => binary('mul', x, unary('sigmoid', x)),
    () => binary('mul', unary('sigmoid', x), x),
    () => binary('mul', x, six()),
    () => six(),
    () => binary('mul', binary('mul', x, b.node('unary', clamp(0, 6), binary('add', x, b.scalar(3)))), b.scalar(1 / 6)),
    () => binary('mul', x, unary('tanh', unary('softplus', x))),
    () => binary('mul', x, b.node('unary', { fn: 'hardSigmoid', alpha: 1 / 6, beta: 0.5 }, x)),
    () => binary('max', x, b.scalar(dice.one([0, -1]))),
    () => binary('min', binary('max', x, b.scalar(0)), b.scalar(6)),
    () => binary('prelu', x, b.scalar(0.25)),
    () => binary('prelu', x, b.constant([b.shape(x)[1], 1, 1])),
    () => b.node('unary', clamp(0, 4), b.node('unary', clamp(-1, 2), x)),
    () => b.node('unary', clamp(0, Infinity), x),
  ];
  return dice.one(ways)();
}

const padded: NodeGenerator = (b, x, dice) => {
  if (!isLarge(b, x)) return [];
  const amounts = () => [0, 0, dice.below(3), dice.below(3)];
  const value = dice.one([0, 0, -Infinity, 1]);
  const kept = dice.oneIn(2) ? x : b.node('unary', clamp(0, Infinity), x);
  const y = b.node(
    'pad',
    { before: amounts(), after: amounts(), mode: 'constant', value: Number.isFinite(value) ? value : -9 },
    kept,
  );
  const window = { kernel: [3, 3], stride: [2, 2], pads: [0, 0, 0, 0], ceilMode: dice.oneIn(2) } as const;
  return [
    dice.one([
      () => convolution(b, y, dice, 0),
      () => b.node('maxPool', { ...window, dilation: [1, 1] }, y),
      () => b.node('averagePool', { ...window, countIncludePad: dice.oneIn(2) }, y),
    ])(),
  ];
};

/** Axes moved, something done, and moved back; or moved twice. */
const moved: NodeGenerator = (b, x, dice) => {
  const permutation = dice.shuffled(b.shape(x).map((_, axis) => axis));
  const y = b.node('transpose', { permutation }, x);
  const axis = dice.below(permutation.length);
  const done = dice.one([
    () => y,
    () => b.node('unary', { fn: 'sigmoid' }, y),
    () => b.node('softmax', { axis, beta: 1 }, y),
    () => b.node('concat', { axis }, y, y),
    () => b.node('reduce', { fn: 'mean', axes: [axis], keepDims: true }, y),
    () => b.node('binary', { fn: 'mul' }, y, b.constant([b.shape(y).at(-1)!])),
    () => b.node('binary', { fn: 'add' }, y, b.node('transpose', { permutation }, b.node('unary', { fn: 'tanh' }, x))),
  ])();
  const back = dice.oneIn(3) ? dice.shuffled(permutation) : inversePermutation(permutation);
  return [b.node('transpose', { permutation: back }, done)];
};

/** Channels of two groups, one after the other. */
const shuffled: NodeGenerator = (b, x, dice) => {
  const [n, c, h, w] = b.shape(x);
  if (c % 2) return [];
  const cut = b.node('reshape', { shape: [n, 2, c / 2, h, w] }, x);
  const turned = b.node('transpose', { permutation: [0, 2, 1, 3, 4] }, cut);
  return [b.node('reshape', { shape: dice.oneIn(2) ? [n, c, h, w] : [n, c * h, w] }, turned)];
};

/** What does nothing. */
const idle: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const zeros = shape.map(() => 0);
  return [
    dice.one([
      () => b.node('binary', { fn: 'add', activation: dice.oneIn(2) ? clamp(0, 1) : undefined }, x, b.scalar(0)),
      () =>
        b.node(
          'binary',
          { fn: 'mul' },
          b.constant(
            shape.map(() => 1),
            [1],
          ),
          x,
        ),
      () => b.node('unary', { fn: 'identity' }, x),
      () => b.node('concat', { axis: 0 }, x),
      () => b.node('slice', { starts: zeros, sizes: shape, steps: shape.map(() => 1) }, x),
      () => b.node('pad', { before: zeros, after: zeros, mode: 'constant', value: 1 }, x),
      () => b.node('reshape', { shape }, b.node('reshape', { shape: [shape.reduce((a, d) => a * d, 1)] }, x)),
    ])(),
  ];
};

/** The same done twice, and both used. */
const twice: NodeGenerator = (b, x, dice) => {
  const fn = dice.one(['sigmoid', 'tanh', 'abs'] as const);
  const [p, q] = [b.node('unary', { fn }, x), b.node('unary', { fn }, x)];
  return [b.node('binary', { fn: dice.one(['add', 'mul', 'sub']) }, p, q)];
};

const wholePool: NodeGenerator = (b, x, dice) => {
  const [, , h, w] = b.shape(x);
  const attributes = {
    kernel: [h, w],
    stride: [1, 1],
    pads: [0, 0, 0, 0],
    ceilMode: false,
    countIncludePad: false,
  } as const;
  const y = b.node('averagePool', { ...attributes, activation: dice.oneIn(2) ? { fn: 'sigmoid' } : undefined }, x);
  return [dice.oneIn(2) ? y : b.node('binary', { fn: 'mul' }, x, y)];
};

/** Softmax of products, times what it came from: heads beside channels, or rows of tokens. */
const attention: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const [n, c] = shape;
  const tokens = shape.slice(2).reduce((a, d) => a * d, 1);
  if (shape.length < 3 || tokens > 150) return [];
  const heads = c % 2 === 0 ? 2 : 1;
  const product = (transposeA: boolean, transposeB: boolean, ...operands: string[]) =>
    b.node('matmul', { transposeA, transposeB }, ...operands);
  const asColumns = dice.oneIn(2);
  const columns = b.node('reshape', { shape: [n, heads, c / heads, tokens] }, x);
  const y = asColumns ? columns : b.node('transpose', { permutation: [0, 1, 3, 2] }, columns);
  const scores = b.node('binary', { fn: 'mul' }, product(asColumns, !asColumns, y, y), b.scalar(0.25));
  const weighting = b.node('softmax', { axis: dice.one([3, 3, 2]), beta: 1 }, scores);
  const mixed = asColumns ? product(false, true, y, weighting) : product(false, false, weighting, y);
  const back = asColumns ? mixed : b.node('transpose', { permutation: [0, 1, 3, 2] }, mixed);
  return [b.node('reshape', { shape }, back)];
};

/** (x − mean) / √(variance + ε) along the last axes, scaled and shifted. */
const layerNormalised: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const axes = shape.map((_, axis) => axis).slice(dice.one([-1, -1, 1]));
  if (axes.length === 0) return [];
  const mean = (v: string) => b.node('reduce', { fn: 'mean', axes, keepDims: true }, v);
  const binary = (fn: 'add' | 'sub' | 'mul' | 'div', p: string, q: string) => b.node('binary', { fn }, p, q);
  const centred = binary('sub', x, mean(x));
  const variance = binary('add', mean(b.node('unary', { fn: 'square' }, centred)), b.scalar(0.1));
  const scaled = dice.oneIn(2)
    ? binary('mul', centred, b.node('unary', { fn: 'rsqrt' }, variance))
    : binary('div', centred, b.node('unary', { fn: 'sqrt' }, variance));
  const rest = axes.map((axis) => shape[axis]);
  return [binary('add', binary('mul', scaled, b.constant(rest)), b.constant(rest))];
};

export const idioms: { step: NodeGenerator; rank?: number }[] = [
  { step: scaledBefore, rank: 4 },
  { step: scaledBefore, rank: 4 },
  { step: scaledAfter, rank: 4 },
  { step: scaledAfter, rank: 4 },
  { step: scaledLinear },
  { step: scaledTransposed, rank: 4 },
  { step: (b, x, dice) => [gated(b, x, dice)] },
  { step: padded, rank: 4 },
  { step: moved },
  { step: shuffled, rank: 4 },
  { step: idle },
  { step: twice },
  { step: wholePool, rank: 4 },
  { step: attention },
  { step: attention },
  { step: layerNormalised },
];
