// Random nodes, one generator for every operator. Each may take any value that there is so far, and gives the values that its
// nodes make: none where what it drew does not fit.
import type { BinaryFunction } from '../../src/ops/binary.ts';
import { unaryFunctions, type Activation, type UnaryFunction } from '../../src/program/activations.ts';
import { gridPaddings } from '../../src/ops/grid-sample.ts';
import { elementCount } from '../../src/tensor.ts';
import type { GraphBuilder } from '../graphs.ts';
import type { Dice } from './dice.ts';
import { idioms } from './idioms.ts';
import { weights } from './weights.ts';

/** `x` is the value that the node should read, `values` are all values. */
export type NodeGenerator = (b: GraphBuilder, x: string, dice: Dice, values: string[]) => string[];

type Sides = [top: number, left: number, bottom: number, right: number];

/** Functions that are only defined, or only keep numbers small, for some arguments. */
const demanding: readonly UnaryFunction[] = ['exp', 'sqrt', 'log', 'rsqrt', 'reciprocal', 'square'];
/** Functions that jump: what rounding makes of a number beside a jump is another number. */
const jumping: readonly UnaryFunction[] = ['floor', 'ceil', 'round', 'trunc', 'sign'];
const safe = unaryFunctions.filter((fn) => !demanding.includes(fn) && !jumping.includes(fn));

function parameters(fn: UnaryFunction, dice: Dice): Activation {
  if (fn === 'clamp') {
    return dice.one<Activation>([
      { fn, alpha: 0, beta: Infinity },
      { fn, alpha: 0, beta: 6 },
      { fn, alpha: -1, beta: 2 },
      { fn, alpha: -Infinity, beta: 0.5 },
    ]);
  }
  if (fn === 'hardSwish' || fn === 'hardSigmoid') {
    return dice.one<Activation>([
      { fn, alpha: 1 / 6, beta: 0.5 },
      { fn, alpha: 0.2, beta: 0.4 },
    ]);
  }
  return fn === 'leakyRelu' || fn === 'elu' ? { fn, alpha: dice.one([0.1, 0, 1, -0.5, 2]) } : { fn };
}

/** What is fused into half of the nodes that can take a function. */
export function activation(dice: Dice): Activation | undefined {
  if (dice.oneIn(2)) return undefined;
  if (dice.oneIn(12)) return parameters(dice.one(['square', 'exp']), dice);
  return parameters(dice.oneIn(3) ? 'clamp' : dice.one(safe), dice);
}

const alike = (b: GraphBuilder, values: readonly string[], x: string) =>
  values.filter((value) => String(b.shape(value)) === String(b.shape(x)));

const size = (input: number, kernel: number, stride: number, dilation: number, pads: number) =>
  Math.floor((input + pads - (kernel - 1) * dilation - 1) / stride) + 1;

/** As networks have them, or any. */
function window(dice: Dice) {
  if (dice.oneIn(3)) {
    const [k, s] = [dice.one([3, 5]), dice.one([1, 2])];
    const p = (k - 1) / 2;
    return { kernel: [k, k], stride: [s, s], dilation: [1, 1], pads: [p, p, p, p] } as const;
  }
  const kernel = dice.one([[3, 3], [5, 5], dice.pair(1, 6)] as const);
  const stride = dice.one([[1, 1], [2, 2], dice.pair(1, 5)] as const);
  const dilation = dice.one([[1, 1], [1, 1], dice.pair(1, 3)] as const);
  const half = (kernel[0] - 1) >> 1;
  const pads = dice.one([
    [0, 0, 0, 0],
    [half, half, half, half],
    [...dice.pair(0, 7), ...dice.pair(0, 7)],
  ] as const) as Sides;
  return { kernel, stride, dilation, pads };
}

function divisor(n: number, dice: Dice): number {
  return dice.one(Array.from({ length: n }, (_, i) => i + 1).filter((k) => n % k === 0));
}

const convolution =
  (kind: 'plain' | 'pointwise' | 'depthwise'): NodeGenerator =>
  (b, x, dice, values) => {
    const [n, c, h, w] = b.shape(x);
    const drawn = window(dice);
    const one = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] } as const;
    const { kernel, stride, dilation, pads } = kind === 'pointwise' ? one : drawn;
    const [height, width] = [0, 1].map((i) =>
      size([h, w][i], kernel[i], stride[i], dilation[i], pads[i] + pads[i + 2]),
    );
    if (height < 1 || width < 1) return [];
    const groups = kind === 'depthwise' ? c : dice.one([1, 1, 1, divisor(c, dice)]);
    const outputs =
      groups * (kind === 'depthwise' ? dice.from(1, 2) : dice.from(1, Math.ceil(dice.one([9, 9, 40]) / groups)));
    const operands = [weights(b, [outputs, c / groups, ...kernel], dice)];
    operands.push(dice.oneIn(2) ? '' : b.constant([outputs]));
    const shape = String([n, outputs, height, width]);
    const others = values.filter((value) => String(b.shape(value)) === shape);
    if (groups === 1 && others.length > 0 && dice.oneIn(3)) operands.push(dice.one(others));
    else if (operands[1] === '') operands.pop();
    return [b.node('conv2d', { stride, dilation, pads, groups, activation: activation(dice) }, x, ...operands)];
  };

const transposed: NodeGenerator = (b, x, dice) => {
  const [, c, h, w] = b.shape(x);
  const kernel = dice.pair(1, 4);
  const stride = dice.one([[2, 2], [1, 1], dice.pair(1, 3)] as const);
  const dilation = dice.one([[1, 1], [1, 1], dice.pair(1, 2)] as const);
  const groups = dice.one([1, divisor(c, dice)]);
  const pads = dice.one([
    [0, 0, 0, 0],
    [...dice.pair(0, 3), ...dice.pair(0, 3)],
  ] as const) as Sides;
  const outputPadding = dice.one([[0, 0], dice.pair(0, 2)] as const);
  const full = [0, 1].map((i) => ([h, w][i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 + outputPadding[i]);
  if (full.some((length, i) => length - pads[i] - pads[i + 2] < 1)) return [];
  const operands = [weights(b, [c, dice.from(1, Math.ceil(6 / groups)), ...kernel], dice)];
  if (dice.oneIn(2)) operands.push(b.constant([groups * b.shape(operands[0])[1]]));
  const attributes = { stride, dilation, pads, outputPadding, groups, activation: activation(dice) };
  return [b.node('convTranspose2d', attributes, x, ...operands)];
};

/** A convolution that keeps the shape, and something of that shape added to it. */
const residual: NodeGenerator = (b, x, dice, values) => {
  const shape = b.shape(x);
  const kernel = dice.one([1, 1, 3]);
  const p = (kernel - 1) / 2;
  const geometry = { stride: [1, 1], dilation: [1, 1], pads: [p, p, p, p], groups: 1 } as const;
  const constants = [weights(b, [shape[1], shape[1], kernel, kernel], dice)];
  if (dice.oneIn(2)) constants.push(b.constant([shape[1]]));
  const own = dice.oneIn(4) ? activation(dice) : undefined;
  const y = b.node('conv2d', { ...geometry, activation: own }, x, ...constants);
  const other = dice.one(alike(b, values, x));
  const sum = b.node(
    'binary',
    { fn: 'add', activation: activation(dice) },
    ...(dice.oneIn(2) ? [y, other] : [other, y]),
  );
  return dice.oneIn(4) ? [y, sum] : [sum];
};

const pool =
  (op: 'maxPool' | 'averagePool'): NodeGenerator =>
  (b, x, dice) => {
    const [, , h, w] = b.shape(x);
    const kernel = dice.one([dice.pair(1, 4), [3, 3], [h, w]] as [number, number][]);
    const stride = dice.pair(1, 4);
    const dilation = op === 'maxPool' ? dice.one([[1, 1], dice.pair(1, 3)] as const) : ([1, 1] as const);
    const reach = [0, 1].map((i) => (kernel[i] - 1) * dilation[i]);
    const pads = [0, 1, 0, 1].map((i) => (dice.oneIn(2) ? dice.from(0, Math.min(reach[i], 7)) : 0)) as Sides;
    const shape = [0, 1].map((i) => size([h, w][i], kernel[i], stride[i], dilation[i], pads[i] + pads[i + 2]));
    if (Math.min(...shape) < 1) return [];
    const common = { kernel, stride, pads, ceilMode: dice.oneIn(2), activation: activation(dice) };
    return op === 'maxPool'
      ? [b.node(op, { ...common, dilation }, x)]
      : [b.node(op, { ...common, countIncludePad: dice.oneIn(2) }, x)];
  };

/** |x| + ½, e^clamp(x), softplus(x) + 1: numbers that anything may be done with. */
function positive(b: GraphBuilder, x: string, dice: Dice): string {
  const way = dice.below(3);
  if (way === 0) return b.node('binary', { fn: 'add' }, b.node('unary', { fn: 'abs' }, x), b.scalar(0.5));
  if (way === 1) return b.node('binary', { fn: 'add' }, b.node('unary', { fn: 'softplus' }, x), b.scalar(1));
  return b.node('unary', { fn: 'exp' }, b.node('unary', { fn: 'clamp', alpha: -2, beta: 2 }, x));
}

const unary: NodeGenerator = (b, x, dice) => {
  if (!dice.oneIn(4)) return [b.node('unary', parameters(dice.one(safe), dice), x)];
  const fn = dice.one(demanding);
  const argument = fn === 'square' ? x : positive(b, x, dice);
  const kept = fn === 'exp' ? b.node('unary', { fn: 'clamp', alpha: -Infinity, beta: 5 }, argument) : argument;
  return [b.node('unary', { fn }, kept)];
};

const binary: NodeGenerator = (b, x, dice, values) => {
  const shape = b.shape(x);
  const broadcast = () => shape.map((n) => (dice.oneIn(2) ? 1 : n)).slice(dice.below(shape.length + 1));
  const wider = () => [
    ...(dice.oneIn(2) ? [dice.from(1, 2)] : []),
    ...shape.map((n) => (n === 1 ? dice.from(1, 3) : n)),
  ];
  if (dice.oneIn(4)) {
    // functions that not every number takes
    const other = dice.one(alike(b, values, x));
    const positives = b.constant(broadcast().map((n) => n));
    const data = b.graph.values.get(positives)!.data as Float32Array;
    data.forEach((v, i) => (data[i] = dice.oneIn(4) ? 2 : Math.abs(v) + 0.5));
    const [fn, operands] = dice.one<[BinaryFunction, () => string[]]>([
      ['div', () => [x, positives]],
      ['div', () => [other, positive(b, x, dice)]],
      ['div', () => [positives, positive(b, x, dice)]],
      ['pow', () => [positive(b, x, dice), positives]],
      ['pow', () => [x, b.scalar(dice.one([2, 3, 0, 1]))]],
      ['pow', () => [positives, b.node('unary', { fn: 'tanh' }, x)]],
    ]);
    return [b.node('binary', { fn, activation: activation(dice) }, ...operands())];
  }
  const y = dice.oneIn(2)
    ? dice.one(alike(b, values, x))
    : b.constant(dice.oneIn(3) && elementCount(shape) < 500 ? wider() : broadcast());
  const fn = dice.one(['add', 'sub', 'mul', 'max', 'min', 'prelu'] as const);
  return [b.node('binary', { fn, activation: activation(dice) }, ...(dice.oneIn(2) ? [x, y] : [y, x]))];
};

/** Two computed values that broadcast to each other: a gate for each channel, a row for each image. */
const gate: NodeGenerator = (b, x, dice) => {
  const axes = b.shape(x).flatMap((_, axis) => (dice.oneIn(2) ? [axis] : []));
  if (axes.length === 0) return [];
  const mean = b.node('reduce', { fn: dice.one(['mean', 'max']), axes, keepDims: true }, x);
  const fn = dice.one(['mul', 'add', 'sub', 'max'] as const);
  return [
    b.node(
      'binary',
      { fn, activation: activation(dice) },
      ...dice.shuffled([x, b.node('unary', { fn: 'sigmoid' }, mean)]),
    ),
  ];
};

const linear: NodeGenerator = (b, x, dice) => {
  const columns = b.shape(x).at(-1)!;
  // those of 2¹⁴ weights and more can be rounded to integers
  const rows = columns >= 100 && !dice.oneIn(4) ? dice.from(164, 180) : dice.from(1, dice.one([9, 9, 60]));
  const constants = [weights(b, [rows, columns], dice)];
  if (dice.oneIn(2)) constants.push(b.constant([rows]));
  return [b.node('linear', { activation: activation(dice) }, x, ...constants)];
};

/** With another value, itself or numbers, whose batches broadcast; the other may stand transposed, or in front. */
const product: NodeGenerator = (b, x, dice, values) => {
  const shape = b.shape(x);
  if (shape.length < 2) return [];
  const batch = shape.slice(0, -2);
  const others = values.flatMap((value) => {
    const other = b.shape(value);
    const fits = String(other.slice(0, -2)) === String(batch);
    return fits
      ? [true, false].filter((t) => other.at(t ? -1 : -2) === shape.at(-1)).map((t) => [value, t] as const)
      : [];
  });
  const columns = dice.from(1, dice.one([5, 20]));
  const numbers = () => {
    const transposed = dice.oneIn(2);
    const own = batch.map((n) => (dice.oneIn(2) ? 1 : n)).slice(dice.below(batch.length + 1));
    return [
      b.constant([...own, ...(transposed ? [columns, shape.at(-1)!] : [shape.at(-1)!, columns])]),
      transposed,
    ] as const;
  };
  const [other, transposeB] = others.length > 0 && !dice.oneIn(3) ? dice.one(others) : numbers();
  const rows = b.shape(other).at(transposeB ? -2 : -1)!;
  if (elementCount(batch) * shape.at(-2)! * rows * shape.at(-1)! > 2e5) return [];
  // (x · y)ᵀ = yᵀ · xᵀ
  return dice.oneIn(3)
    ? [b.node('matmul', { transposeA: !transposeB, transposeB: true }, other, x)]
    : [b.node('matmul', { transposeA: false, transposeB }, x, other)];
};

const axisOf = (shape: readonly number[], dice: Dice) =>
  dice.one([dice.below(shape.length), Math.min(1, shape.length - 1)]);

const concat: NodeGenerator = (b, x, dice, values) => {
  const shape = b.shape(x);
  const axis = axisOf(shape, dice);
  const others = (value: string) => String(b.shape(value).map((n, i) => (i === axis ? 0 : n)));
  const like = values.filter((value) => others(value) === others(x));
  const parts = Array.from({ length: dice.from(1, 3) }, () => dice.one(like));
  if (dice.oneIn(5)) parts.push(b.constant([...shape]));
  return [b.node('concat', { axis }, ...dice.shuffled([x, ...parts]))];
};

const split: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const axis = axisOf(shape, dice);
  const sizes: number[] = [];
  for (let left = shape[axis]; left > 0; left -= sizes.at(-1)!)
    sizes.push(sizes.length < 4 ? dice.from(1, left) : left);
  return b.nodes('split', { axis, sizes }, [x], sizes.length);
};

const slice: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const sizes = shape.map((n) => (dice.oneIn(2) ? n : dice.from(1, n)));
  const steps = shape.map((n, i) => (sizes[i] === 1 ? 1 : dice.one([1, 1, -1, Math.floor((n - 1) / (sizes[i] - 1))])));
  const starts = shape.map((n, i) => {
    const reach = (sizes[i] - 1) * Math.abs(steps[i]);
    const low = dice.from(0, n - 1 - reach);
    return steps[i] < 0 ? low + reach : low;
  });
  return [b.node('slice', { starts, sizes, steps }, x)];
};

const pad: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const mode = dice.one(['constant', 'constant', 'edge', 'reflect'] as const);
  const amounts = () =>
    shape.map((n) => (dice.oneIn(2) ? 0 : Math.min(dice.from(-1, 3), mode === 'reflect' ? n - 1 : 3)));
  const [before, after] = [amounts(), amounts()];
  if (shape.some((n, i) => n + before[i] + after[i] < 1)) return [];
  return [b.node('pad', { before, after, mode, value: dice.one([0, 1.5, -2]) }, x)];
};

const transpose: NodeGenerator = (b, x, dice) => [
  b.node('transpose', { permutation: dice.shuffled(b.shape(x).map((_, i) => i)) }, x),
];

const reshape: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const count = elementCount(shape);
  const at = dice.below(shape.length);
  const [first, rest] = [elementCount(shape.slice(0, at)), elementCount(shape.slice(at))];
  const factor = divisor(count, dice);
  const to = dice.one([
    [first, rest],
    [count],
    [1, first, 1, rest],
    [1, factor, 1, count / factor],
    [first, 1, rest],
    [factor, count / factor],
    [...shape, 1],
    [1, ...shape],
    shape.flatMap((n, axis) => (axis === at && n % 2 === 0 ? [2, n / 2] : [n])),
  ]);
  return [b.node('reshape', { shape: to }, x)];
};

const reduce: NodeGenerator = (b, x, dice) => {
  const axes = b.shape(x).flatMap((_, axis) => (dice.oneIn(2) ? [axis] : []));
  if (!axes.length || axes.filter((axis) => !axes.includes(axis - 1)).length > 3) return [];
  return [b.node('reduce', { fn: dice.one(['mean', 'sum', 'max', 'min']), axes, keepDims: dice.oneIn(2) }, x)];
};

const resize: NodeGenerator = (b, x, dice) => {
  const [, , h, w] = b.shape(x);
  if (dice.oneIn(3)) {
    // as detectors' necks do it
    const doubled = { mode: 'nearest', size: [2 * h, 2 * w], coordinates: 'asymmetric', nearest: 'floor' } as const;
    return [b.node('resize', doubled, x)];
  }
  const to = dice.one([[2 * h, 2 * w], [2 * h, w], [h, w], dice.pair(1, 12)] as [number, number][]);
  const coordinates = dice.one([
    'halfPixel',
    'alignCorners',
    'asymmetric',
    'pytorchHalfPixel',
    'tfHalfPixelForNearest',
  ]);
  const nearest = dice.one(['roundPreferFloor', 'roundPreferCeil', 'floor', 'ceil'] as const);
  // scales that give these sizes, and are not exactly their quotients
  const scales = dice.oneIn(4) ? ([(to[0] + 0.25) / h, (to[1] + 0.25) / w] as const) : undefined;
  return [b.node('resize', { mode: dice.one(['nearest', 'linear']), size: to, coordinates, nearest, scales }, x)];
};

const gather: NodeGenerator = (b, x, dice) => {
  const axis = dice.below(b.shape(x).length);
  const length = b.shape(x)[axis];
  const count = dice.from(1, 6);
  const indices = Array.from({ length: count }, () => dice.from(dice.oneIn(2) ? -length : 0, length - 1));
  const shape = dice.one([[count], [1, count], [count, 1]]);
  return [b.node('gather', { axis }, x, b.constant(shape, indices))];
};

/** Numbers that are far from a jump, or on it, and stay so: those of a constant. */
const jumps: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x).map((n) => (dice.oneIn(2) ? 1 : n));
  const whole = b.constant(
    shape,
    Array.from({ length: elementCount(shape) }, () => dice.from(-3, 3)),
  );
  const shifted = b.node('binary', { fn: 'add' }, whole, b.scalar(dice.one([0, 0.25, -0.25, 0.5])));
  const jumped = b.node('unary', { fn: dice.one(jumping) }, shifted);
  const compared = b.node('binary', { fn: dice.one(['less', 'lessOrEqual', 'equal']) }, jumped, whole);
  const chosen = b.node('binary', { fn: 'select' }, compared, x);
  const other = b.node('binary', { fn: 'select' }, b.node('binary', { fn: 'sub' }, b.scalar(1), compared), jumped);
  return dice.oneIn(2) ? [chosen] : [b.node('binary', { fn: 'add' }, chosen, other)];
};

/** Positions that nothing moves: those of the largest of numbers which lie apart. */
const taken: NodeGenerator = (b, x, dice) => {
  const shape = b.shape(x);
  const axis = dice.below(shape.length);
  const n = shape[axis];
  const others = shape.map((d, i) => (i === axis || dice.oneIn(2) ? 1 : d));
  const scores = others.map((d, i) => (i === axis ? n : d));
  const numbers = dice.shuffled(Array.from({ length: elementCount(scores) }, (_, i) => i % 97));
  const computed = b.node(
    'binary',
    { fn: 'add' },
    b.constant(scores, numbers),
    b.node('unary', { fn: 'tanh' }, b.scalar(3)),
  );
  const k = dice.from(1, n);
  const positions = b.node('topK', { axis, k, largest: dice.oneIn(2) }, computed);
  const taken = b.node('takeAlongAxis', { axis }, x, positions);
  return dice.oneIn(3) ? [taken, positions] : [taken];
};

const softmax: NodeGenerator = (b, x, dice) => {
  return [b.node('softmax', { axis: dice.below(b.shape(x).length), beta: dice.one([1, 1, 0.5, 3]) }, x)];
};

const rearrange: NodeGenerator = (b, x, dice) => {
  const [, c, h, w] = b.shape(x);
  const blockSize = dice.one([2, 2, 3]);
  if (c % blockSize ** 2 === 0) return [b.node('depthToSpace', { blockSize, order: dice.one(['DCR', 'CRD']) }, x)];
  return h % blockSize || w % blockSize ? [] : [b.node('spaceToDepth', { blockSize }, x)];
};

/** At constant coordinates: those that are computed differ by a rounding, and to the nearest pixel that is another pixel. */
const gridSample: NodeGenerator = (b, x, dice) => {
  const [n, c] = b.shape(x);
  const [height, width] = dice.pair(1, 9);
  if (n * c * height * width > 3000) return [];
  const attributes = {
    mode: dice.one(['nearest', 'linear'] as const),
    padding: dice.one(gridPaddings),
    alignCorners: dice.oneIn(2),
  };
  return [b.node('gridSample', attributes, x, b.constant([n, height, width, 2]))];
};

/** On feature maps. */
const maps: NodeGenerator[] = [
  convolution('plain'),
  convolution('plain'),
  convolution('pointwise'),
  convolution('pointwise'),
  convolution('depthwise'),
  convolution('depthwise'),
  transposed,
  residual,
  residual,
  pool('maxPool'),
  pool('averagePool'),
  resize,
  rearrange,
  rearrange,
  gridSample,
];

/** On values of any shape. */
const any: NodeGenerator[] = [
  unary,
  unary,
  binary,
  binary,
  gate,
  linear,
  linear,
  product,
  product,
  concat,
  concat,
  split,
  slice,
  pad,
  transpose,
  reshape,
  reduce,
  gather,
  softmax,
  jumps,
  taken,
];

/** A step for a value of this shape. */
export function drawStep(shape: readonly number[], dice: Dice): NodeGenerator {
  if (shape.length === 0) return dice.one([unary, binary]);
  if (dice.oneIn(5)) return dice.one(idioms.filter(({ rank }) => rank === undefined || rank === shape.length)).step;
  return dice.one(shape.length === 4 && dice.oneIn(2) ? maps : any);
}
