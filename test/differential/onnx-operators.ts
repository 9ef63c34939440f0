// Random nodes of ONNX files: the operators that the importer reads, in the opsets in which they differ, with the attributes that
// matter to it.
import { dataTypes, int64Tensor, rawBytes } from '../../src/export/onnx/protobuf.ts';
import { elementCount } from '../../src/tensor.ts';
import type { AttributeValue, OnnxBuilder } from '../import/onnx/model.ts';
import type { Dice } from './dice.ts';

type Attributes = Record<string, AttributeValue>;

export interface NodeContext {
  m: OnnxBuilder;
  /** What the node should read, and its shape. */
  x: string;
  shape: readonly number[];
  dice: Dice;
  /** All values and their shapes; x among them. */
  values: readonly (readonly [name: string, shape: readonly number[]])[];
}

/** Gives the names of its outputs; none if its random choice does not fit. */
export type OnnxNodeGenerator = (place: NodeContext) => string[];

const one = (m: OnnxBuilder, op: string, inputs: readonly string[], attributes: object = {}) => [
  m.node(op, inputs, attributes as Attributes),
];

/** Attributes that may be left out when they have their default. */
function optional<T>(dice: Dice, name: string, value: T, absent: T): Record<string, T> {
  return String(value) === String(absent) && dice.oneIn(2) ? {} : { [name]: value };
}

const isSpatial = ({ shape }: NodeContext) => shape.length === 3 || shape.length === 4;

interface Geometry {
  kernel: number[];
  attributes: Attributes;
  /** Outputs along each axis; below 1 where the window does not fit. */
  sizes: number[];
}

/** `isPool`: where onnxruntime asks that padding is less than the kernel. It takes no dilations beside SAME, though ONNX does. */
function geometry({ shape, dice }: NodeContext, { dilations = true, isPool = false } = {}): Geometry {
  const spatial = shape.slice(2);
  const kernel = spatial.map(() => dice.from(1, 4));
  const auto = dice.one(['NOTSET', 'NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']);
  const isSame = auto.startsWith('SAME');
  const stride = kernel.map((k) => dice.from(1, isSame && isPool ? Math.min(k, 3) : 3));
  const dilation = spatial.map(() => (dilations && !isSame && dice.oneIn(3) ? dice.from(1, 3) : 1));
  const pads =
    auto === 'NOTSET'
      ? [...kernel, ...kernel].map((k, i) =>
          dice.from(0, dice.oneIn(2) ? 0 : (k - 1) * (isPool ? 1 : dilation[i % kernel.length])),
        )
      : [...kernel, ...kernel].map(() => 0);
  const sizes = spatial.map((size, i) => {
    if (isSame) return Math.ceil(size / stride[i]);
    const padding = pads[i] + pads[i + kernel.length];
    return Math.floor((size + padding - (kernel[i] - 1) * dilation[i] - 1) / stride[i]) + 1;
  });
  return {
    kernel,
    sizes,
    attributes: {
      ...optional(
        dice,
        'strides',
        stride,
        stride.map(() => 1),
      ),
      ...(dilations
        ? optional(
            dice,
            'dilations',
            dilation,
            dilation.map(() => 1),
          )
        : {}),
      ...(auto === 'NOTSET'
        ? optional(
            dice,
            'pads',
            pads,
            pads.map(() => 0),
          )
        : { auto_pad: auto }),
    },
  };
}

const divisors = (n: number) => Array.from({ length: n }, (_, i) => i + 1).filter((k) => n % k === 0);

const conv: OnnxNodeGenerator = (place) => {
  const { m, x, shape, dice } = place;
  if (!isSpatial(place)) return [];
  const { kernel, attributes, sizes } = geometry(place);
  if (sizes.some((size) => size < 1)) return [];
  const group = dice.one([1, shape[1], dice.one(divisors(shape[1]))]);
  const outputs = group * dice.from(1, 3);
  const inputs = [x, m.floats([outputs, shape[1] / group, ...kernel])];
  if (dice.oneIn(2)) inputs.push(m.floats([outputs]));
  const more = { ...optional(dice, 'group', group, 1), ...(dice.oneIn(2) ? { kernel_shape: kernel } : {}) };
  return one(m, 'Conv', inputs, { ...attributes, ...more });
};

const convTranspose: OnnxNodeGenerator = (place) => {
  const { m, x, shape, dice } = place;
  if (!isSpatial(place) || elementCount(shape.slice(2)) > 120) return [];
  const spatial = shape.slice(2);
  const kernel = spatial.map(() => dice.from(1, 4));
  const strides = spatial.map(() => dice.from(1, 3));
  const dilations = spatial.map(() => (dice.oneIn(3) ? 2 : 1));
  const group = dice.one([1, dice.one(divisors(shape[1]))]);
  const perGroup = dice.from(1, 3);
  const full = spatial.map((size, i) => (size - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1);
  const way = dice.below(4);
  const attributes: Attributes = { strides, dilations, group };
  // SAME that would stretch the output: onnxruntime does not, ONNX does
  const isSmall = spatial.some((size, i) => full[i] < size * strides[i]);
  if (way === 0) attributes.auto_pad = isSmall ? 'VALID' : dice.one(['SAME_UPPER', 'SAME_LOWER', 'VALID']);
  else if (way === 1) {
    const wanted = full.map((size) => Math.max(1, size - dice.from(0, 2)));
    attributes.output_shape = wanted;
    if (dice.oneIn(2)) attributes.auto_pad = dice.one(['SAME_UPPER', 'SAME_LOWER', 'NOTSET']);
  } else {
    const pads = [...spatial, ...spatial].map((_, i) => dice.from(0, Math.min(1, kernel[i % spatial.length] - 1)));
    attributes.pads = pads;
    if (full.some((size, i) => size - pads[i] - pads[i + spatial.length] < 1)) return [];
    attributes.output_padding = strides.map((s, i) => dice.from(0, Math.max(s, dilations[i]) - 1));
  }
  const inputs = [x, m.floats([shape[1], perGroup, ...kernel])];
  if (dice.oneIn(2)) inputs.push(m.floats([group * perGroup]));
  return one(m, 'ConvTranspose', inputs, attributes);
};

const pool =
  (op: 'MaxPool' | 'AveragePool'): OnnxNodeGenerator =>
  (place) => {
    const { m, x, dice } = place;
    if (!isSpatial(place)) return [];
    const dilations = op === 'MaxPool' && m.opset >= 10;
    const { kernel, attributes, sizes } = geometry(place, { dilations, isPool: true });
    if (sizes.some((size) => size < 1)) return [];
    // onnxruntime rounds up beside VALID, though ONNX's formula does not
    if (m.opset >= 10 && !('auto_pad' in attributes) && dice.oneIn(3)) attributes.ceil_mode = 1;
    if (op === 'AveragePool' && dice.oneIn(2)) attributes.count_include_pad = dice.below(2);
    return one(m, op, [x], { kernel_shape: kernel, ...attributes });
  };

const globalPool: OnnxNodeGenerator = (place) =>
  place.shape.length < 3 || place.shape.length > 5
    ? []
    : one(place.m, place.dice.one(['GlobalAveragePool', 'GlobalMaxPool']), [place.x]);

const gemm: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length !== 2) return [];
  const [transA, transB] = [dice.below(2), dice.below(2)];
  const [rows, inner] = transA ? [shape[1], shape[0]] : shape;
  const outputs = dice.from(1, 7);
  const isFirst = !dice.oneIn(4);
  const own = isFirst
    ? [x, m.floats(transB ? [outputs, inner] : [inner, outputs])]
    : [m.floats(transA ? [transB ? shape[1] : shape[0], outputs] : [outputs, transB ? shape[1] : shape[0]]), x];
  const result = isFirst ? [rows, outputs] : [outputs, transB ? shape[0] : shape[1]];
  const inputs = [...own];
  const c = dice.one([undefined, [], [1], [result[1]], [1, result[1]], [result[0], 1], result]);
  if (c && (m.opset >= 11 || c.length > 0)) inputs.push(m.floats(c));
  else if (m.opset < 11) inputs.push(m.floats([result[1]]));
  const factors: Attributes = {
    ...(dice.oneIn(2) ? { alpha: { float: 0.5 } } : {}),
    ...(dice.oneIn(2) ? { beta: { float: -2 } } : {}),
  };
  return one(m, 'Gemm', inputs, { transA, transB, ...factors });
};

const matMul: OnnxNodeGenerator = ({ m, x, shape, dice, values }) => {
  if (shape.length === 0) return [];
  const k = shape.at(-1)!;
  if (shape.length >= 2 && dice.oneIn(2)) {
    const [rows, columns] = shape.slice(-2);
    if (rows * columns * Math.max(rows, columns) > 1e5) return [];
    const axes = shape.map((_, i) => i);
    const permutation = [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!];
    const flipped = m.node('Transpose', [x], { perm: permutation });
    const fitting = values.filter(([, other]) => other.length >= 2 && other.at(-2) === k && other.length <= 2);
    if (fitting.length > 0 && dice.oneIn(2)) return one(m, 'MatMul', [x, dice.one(fitting)[0]]);
    return one(m, 'MatMul', dice.oneIn(2) ? [x, flipped] : [flipped, x]);
  }
  if (shape.length >= 2 && dice.oneIn(4)) return one(m, 'MatMul', [m.floats([dice.from(1, 5), shape.at(-2)!]), x]);
  const weights = dice.one([[k, dice.from(1, 6)], [k, dice.from(1, 6)], [k], [1, k, dice.from(1, 4)]]);
  return one(m, 'MatMul', [x, m.floats(weights)]);
};

/** Functions of one number with an opset from which on they are there; `positive` ones want such arguments. */
const unaries: [op: string, since: number, attributes?: (dice: Dice) => object][] = [
  ['Relu', 7],
  ['Sigmoid', 7],
  ['Tanh', 7],
  ['Neg', 7],
  ['Abs', 7],
  ['Softplus', 7],
  ['Softsign', 7],
  ['Identity', 7],
  ['HardSwish', 14],
  ['Mish', 18],
  ['Gelu', 20, (dice) => (dice.oneIn(2) ? { approximate: 'none' } : {})],
  ['com.microsoft.Gelu', 7],
  ['LeakyRelu', 7, (dice) => (dice.oneIn(3) ? {} : { alpha: { float: dice.one([0.1, 0, 1.5, -0.5]) } })],
  ['Elu', 7, (dice) => (dice.oneIn(3) ? {} : { alpha: { float: dice.one([0.5, 2]) } })],
  ['Selu', 7, (dice) => (dice.oneIn(2) ? {} : { alpha: { float: 1.5 }, gamma: { float: 1.25 } })],
  ['HardSigmoid', 7, (dice) => (dice.oneIn(2) ? {} : { alpha: { float: 0.3 }, beta: { float: 0.25 } })],
  ['Dropout', 7],
];

const unary: OnnxNodeGenerator = ({ m, x, dice }) => {
  const known = unaries.filter(([, since]) => m.opset >= since);
  // those that are new are in few files
  const [op, , attributes] = dice.one(dice.oneIn(3) ? known.filter(([, since]) => since > 7 || m.opset < 14) : known);
  return one(m, op, [x], attributes?.(dice));
};

const positive = ({ m, x }: NodeContext) => m.node('Add', [m.node('Abs', [x]), m.floats([], [0.5])]);

const demanding: OnnxNodeGenerator = (place) => {
  const { m, dice } = place;
  const op = dice.one(['Log', 'Sqrt', 'Reciprocal', 'Exp']);
  return one(m, op, [op === 'Exp' ? m.node('Tanh', [place.x]) : positive(place)]);
};

const clip: OnnxNodeGenerator = ({ m, x, dice }) => {
  const [low, high] = [dice.oneIn(4) ? undefined : -0.5, dice.oneIn(4) ? undefined : dice.one([0.75, 6])];
  if (m.opset < 11) {
    return one(m, 'Clip', [x], {
      ...(low === undefined ? {} : { min: { float: low } }),
      ...(high === undefined ? {} : { max: { float: high } }),
    });
  }
  const inputs = [x, low === undefined ? '' : m.floats([], [low]), high === undefined ? '' : m.floats([], [high])];
  while (inputs.at(-1) === '') inputs.pop();
  return one(m, 'Clip', inputs);
};

/** A shape that broadcasts with another. */
function broadcast(shape: readonly number[], dice: Dice): number[] {
  return shape.map((n) => (dice.oneIn(2) ? 1 : n)).slice(dice.below(shape.length + 1));
}

function other({ m, shape, values, dice }: NodeContext): string {
  const like = values.filter(([, own]) => String(own) === String(shape));
  return dice.oneIn(2) ? dice.one(like)[0] : m.floats(broadcast(shape, dice));
}

const binary: OnnxNodeGenerator = (place) => {
  const { m, x, shape, dice } = place;
  const op = dice.one(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'PRelu']);
  if (op === 'PRelu') return one(m, op, [x, m.floats(dice.one([[1], broadcast(shape, dice)]))]);
  if (op === 'Div')
    return one(m, op, dice.oneIn(2) ? [x, positive(place)] : [m.floats(broadcast(shape, dice)), positive(place)]);
  if (op === 'Pow') return one(m, op, dice.oneIn(2) ? [positive(place), m.floats([], [1.5])] : [x, m.floats([], [2])]);
  return one(m, op, dice.shuffled([x, other(place)]));
};

const variadic: OnnxNodeGenerator = (place) => {
  const { m, x, dice } = place;
  // nothing is broadcast before
  const count = m.opset < 8 ? 0 : dice.from(0, 2);
  return one(
    m,
    dice.one(['Min', 'Max', 'Sum', 'Mean']),
    dice.shuffled([x, ...Array.from({ length: count }, () => other(place))]),
  );
};

const softmax: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length === 0) return [];
  const axis = dice.from(m.opset >= 11 ? -shape.length : 0, shape.length - 1);
  return one(m, dice.one(['Softmax', 'LogSoftmax']), [x], dice.oneIn(4) ? {} : { axis });
};

const reductions = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare'];

const reduce: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  const op = dice.one(reductions);
  const axes = shape.flatMap((_, axis) =>
    dice.oneIn(2) ? [dice.oneIn(3) && m.opset >= 11 ? axis - shape.length : axis] : [],
  );
  const keepdims = dice.oneIn(3) ? {} : { keepdims: dice.below(2) };
  const since = op === 'ReduceSum' ? 13 : 18;
  if (m.opset < since) return one(m, op, [x], axes.length > 0 ? { axes, ...keepdims } : keepdims);
  if (axes.length === 0 && dice.oneIn(2)) return one(m, op, [x], { noop_with_empty_axes: 1, ...keepdims });
  return one(m, op, axes.length > 0 ? [x, m.int64s(axes)] : [x], keepdims);
};

const resize: OnnxNodeGenerator = (place) => {
  const { m, x, shape, dice } = place;
  if (!isSpatial(place) || elementCount(shape) > 3000) return [];
  const spatial = shape.slice(2);
  const fixed = [1, 1];
  if (m.opset < 11) {
    const scales = [...fixed, ...spatial.map(() => dice.one([1, 1.5, 2, 2.5]))];
    const mode = dice.one(['nearest', 'linear']);
    if (m.opset < 9) return one(m, 'Upsample', [x], { mode, scales: { floats: scales } });
    return one(m, m.opset === 9 ? 'Upsample' : 'Resize', [x, m.floats([scales.length], scales)], { mode });
  }
  const attributes: Attributes = {
    mode: dice.one(['nearest', 'linear']),
    coordinate_transformation_mode: dice.one([
      'half_pixel',
      'pytorch_half_pixel',
      'align_corners',
      'asymmetric',
      ...(m.opset < 13 ? ['tf_half_pixel_for_nn'] : []),
    ]),
    nearest_mode: dice.one(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']),
  };
  const roi = m.opset < 13 ? m.floats([0], []) : '';
  const axes = m.opset >= 18 && dice.oneIn(2) ? { axes: spatial.map((_, i) => i + 2) } : undefined;
  const whole = (list: number[], rest: readonly number[]) => (axes ? list : [...rest, ...list]);
  if (dice.oneIn(2)) {
    const sizes = whole(
      spatial.map((n) => dice.one([n, 2 * n, dice.from(1, 2 * n)])),
      shape.slice(0, 2),
    );
    return one(m, 'Resize', [x, roi, m.opset < 13 ? m.floats([0], []) : '', m.int64s(sizes)], {
      ...attributes,
      ...axes,
    });
  }
  const scales = whole(
    spatial.map((n) => Math.max(dice.one([1, 2, 0.5, 1.5, 0.7, 2.3]), 1 / n)),
    fixed,
  );
  return one(m, 'Resize', [x, roi, m.floats([scales.length], scales)], { ...attributes, ...axes });
};

const concat: OnnxNodeGenerator = ({ m, x, shape, dice, values }) => {
  if (shape.length === 0) return [];
  const axis = dice.below(shape.length);
  const rest = (own: readonly number[]) => String(own.map((n, i) => (i === axis ? 0 : n)));
  const like = values.filter(([, own]) => own.length === shape.length && rest(own) === rest(shape));
  const parts = [x, ...Array.from({ length: dice.from(0, 2) }, () => dice.one(like)[0])];
  if (dice.oneIn(3)) parts.push(m.floats(shape));
  return one(m, 'Concat', dice.shuffled(parts), { axis: m.opset >= 11 && dice.oneIn(2) ? axis - shape.length : axis });
};

const split: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length === 0) return [];
  const axis = dice.below(shape.length);
  const sizes: number[] = [];
  for (let left = shape[axis]; left > 0; left -= sizes.at(-1)!)
    sizes.push(sizes.length < 3 ? dice.from(1, left) : left);
  const written = m.opset >= 11 && dice.oneIn(2) ? axis - shape.length : axis;
  const parts = dice.one(divisors(shape[axis]).filter((n) => n <= 6));
  if (dice.oneIn(3)) {
    const more = m.opset >= 18 ? { num_outputs: parts } : {};
    return m.nodesOf('Split', [x], { axis: written, ...more } as Attributes, parts);
  }
  if (m.opset < 13) return m.nodesOf('Split', [x], { axis: written, split: sizes }, sizes.length);
  return m.nodesOf('Split', [x, m.int64s(sizes)], { axis: written }, sizes.length);
};

const slice: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length === 0) return [];
  const axes = dice.shuffled(shape.map((_, axis) => axis)).slice(0, dice.from(1, shape.length));
  const steps = axes.map(() => (m.opset < 10 ? 1 : dice.one([1, 1, 2, -1, -2, 3])));
  const starts = axes.map((axis, i) => {
    const n = shape[axis];
    if (steps[i] > 0) return dice.one([0, dice.below(n), -n, -dice.from(1, n), -n - 5]);
    return dice.one([n - 1, -1, n + 3, dice.below(n)]);
  });
  const ends = axes.map((axis, i) => {
    const n = shape[axis];
    const start = Math.min(Math.max(starts[i] < 0 ? starts[i] + n : starts[i], 0), n - 1);
    // at least one element is left
    if (steps[i] > 0) return dice.one([n, 2 ** 31 - 1, dice.from(start + 1, n)]);
    return dice.one([-(2 ** 31) + 1, start - dice.from(1, start + 1) - n, -n - 1]);
  });
  const given = m.opset >= 11 ? axes.map((axis) => (dice.oneIn(3) ? axis - shape.length : axis)) : axes;
  if (m.opset < 10) return one(m, 'Slice', [x], { starts, ends, axes });
  const lists = [starts, ends, given].map((list) => m.int64s(list));
  return one(m, 'Slice', steps.every((s) => s === 1) && dice.oneIn(2) ? [x, ...lists] : [x, ...lists, m.int64s(steps)]);
};

const gather: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length === 0) return [];
  const axis = dice.below(shape.length);
  const indexShape = dice.one([[], [1], [dice.from(2, 4)], [2, 2]]);
  const count = elementCount(indexShape);
  const indices = Array.from({ length: count }, () => dice.from(m.opset >= 11 ? -shape[axis] : 0, shape[axis] - 1));
  return one(m, 'Gather', [x, m.int64s(indices, indexShape)], axis === 0 && dice.oneIn(2) ? {} : { axis });
};

/** Places along the first axis, each once; what is written there is constant. */
const scatterND: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length === 0 || m.opset < 11) return [];
  const places = dice.shuffled(Array.from({ length: shape[0] }, (_, i) => i)).slice(0, dice.from(1, shape[0]));
  const updates = m.floats([places.length, ...shape.slice(1)]);
  return one(m, 'ScatterND', [x, m.int64s(places, [places.length, 1]), updates]);
};

/** The same places of every line along an axis, each once. */
const scatterElements: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length === 0 || m.opset < 11) return [];
  const axis = dice.below(shape.length);
  const places = dice.shuffled(Array.from({ length: shape[axis] }, (_, i) => i)).slice(0, dice.from(1, shape[axis]));
  const written = shape.with(axis, places.length);
  const inner = elementCount(shape.slice(axis + 1));
  const indices = Array.from(
    { length: elementCount(written) },
    (_, i) => places[Math.floor(i / inner) % places.length],
  );
  const inputs = [x, m.int64s(indices, written), m.floats(written)];
  return one(m, 'ScatterElements', inputs, axis === 0 && dice.oneIn(2) ? {} : { axis });
};

/** A transpose, or a product with weights along the last axis. */
const einsum: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length < 2 || m.opset < 12) return [];
  const letters = [...'abcdefgh'].slice(0, shape.length);
  if (dice.oneIn(2)) {
    return one(m, 'Einsum', [x], { equation: `${letters.join('')}->${dice.shuffled(letters).join('')}` });
  }
  const weights = m.floats([shape.at(-1)!, dice.from(1, 5)]);
  const [term, kept] = [letters.join(''), letters.slice(0, -1).join('')];
  return one(m, 'Einsum', [x, weights], { equation: `${term},${letters.at(-1)!}z->${kept}z` });
};

const pad: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length === 0) return [];
  const mode = dice.one(['constant', 'reflect', 'edge']);
  const amounts = [...shape, ...shape].map((n) =>
    dice.oneIn(2) ? 0 : Math.min(dice.from(0, 3), mode === 'reflect' ? n - 1 : 3),
  );
  if (mode === 'constant' && dice.oneIn(4)) amounts[0] = shape[0] > 1 ? -1 : 0;
  const value = dice.one([0, 1.5, -2]);
  if (m.opset < 11) return one(m, 'Pad', [x], { mode, pads: amounts, value: { float: value } });
  const inputs = [x];
  const isConstant = mode === 'constant';
  if (m.opset >= 18 && dice.oneIn(2) && shape.length > 1) {
    const axes = dice.shuffled(shape.map((_, axis) => axis)).slice(0, dice.from(1, shape.length));
    const own = [...axes.map((axis) => amounts[axis]), ...axes.map((axis) => amounts[axis + shape.length])];
    inputs.push(m.int64s(own), isConstant ? m.floats([], [value]) : '', m.int64s(axes));
  } else {
    inputs.push(m.int64s(amounts));
    if (isConstant && dice.oneIn(2)) inputs.push(m.floats([], [value]));
  }
  return one(m, 'Pad', inputs, mode === 'constant' && dice.oneIn(2) ? {} : { mode });
};

const reshape: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  const count = elementCount(shape);
  const factor = dice.one(divisors(count));
  const at = dice.from(0, shape.length);
  const to = dice.one([
    [factor, count / factor],
    [-1],
    [1, -1],
    [factor, -1],
    [...shape.slice(0, at).map(() => 0), -1],
    [...shape.slice(0, at), 1, ...shape.slice(at)],
    shape.length === 3 ? [0, 0, 1, -1] : [0, -1].slice(shape.length === 0 ? 1 : 0),
  ]);
  if (dice.oneIn(4) && shape.length > 1) {
    // shapes as exporters compute them: the first size of x, and the rest
    const first = m.node('Gather', [m.node('Shape', [x]), m.int64s([0])], { axis: 0 });
    return one(m, 'Reshape', [x, m.node('Concat', [first, m.int64s([-1])], { axis: 0 })]);
  }
  return one(m, 'Reshape', [x, m.int64s(to)]);
};

const flatten: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  const axis = dice.from(m.opset >= 11 ? -shape.length : 0, shape.length);
  return shape.length === 0 ? [] : one(m, 'Flatten', [x], axis === 1 && dice.oneIn(2) ? {} : { axis });
};

const squeeze: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  const ones = shape.flatMap((n, axis) => (n === 1 ? [axis] : []));
  if (ones.length === 0 || shape.length === ones.length) return [];
  const axes = dice.shuffled(ones).slice(0, dice.from(1, ones.length));
  if (dice.oneIn(4)) return one(m, 'Squeeze', [x]);
  return m.opset < 13 ? one(m, 'Squeeze', [x], { axes }) : one(m, 'Squeeze', [x, m.int64s(axes)]);
};

const unsqueeze: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  const rank = shape.length + dice.from(1, 2);
  if (rank > 6) return [];
  const axes = dice.shuffled(Array.from({ length: rank }, (_, axis) => axis)).slice(0, rank - shape.length);
  const given =
    m.opset >= 11 ? axes.map((axis) => (dice.oneIn(3) ? axis - rank : axis)) : axes.toSorted((a, b) => a - b);
  return m.opset < 13 ? one(m, 'Unsqueeze', [x], { axes: given }) : one(m, 'Unsqueeze', [x, m.int64s(given)]);
};

const transpose: OnnxNodeGenerator = ({ m, x, shape, dice }) =>
  one(m, 'Transpose', [x], dice.oneIn(4) ? {} : { perm: dice.shuffled(shape.map((_, axis) => axis)) });

const expand: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (m.opset < 8 || elementCount(shape) > 500) return [];
  const to = shape.map((n) => (n === 1 ? dice.from(1, 3) : dice.one([n, 1])));
  return one(m, 'Expand', [x, m.int64s(dice.oneIn(3) ? [2, ...shape.map((n, i) => Math.max(n, to[i]))] : to)]);
};

const tile: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (elementCount(shape) > 500 || shape.length === 0) return [];
  return one(m, 'Tile', [x, m.int64s(shape.map(() => dice.one([1, 1, 2, 3])))]);
};

const rearrange: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length !== 4) return [];
  const blocksize = dice.one([2, 3]);
  const [, c, h, w] = shape;
  if (c % blocksize ** 2 === 0) {
    const mode = m.opset >= 11 ? dice.one([{}, { mode: 'DCR' }, { mode: 'CRD' }]) : {};
    return one(m, 'DepthToSpace', [x], { blocksize, ...mode });
  }
  return h % blocksize || w % blocksize ? [] : one(m, 'SpaceToDepth', [x], { blocksize });
};

const gridSample: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length !== 4 || m.opset < 16) return [];
  const [height, width] = [dice.from(1, 9), dice.from(1, 9)];
  const [n, c] = shape;
  if (n * c * height * width > 3000) return [];
  const grid = Array.from({ length: 2 * n * height * width }, () => dice.from(-1999, 1999) / 1000);
  const attributes = {
    ...optional(
      dice,
      'mode',
      dice.one([m.opset < 20 ? 'bilinear' : 'linear', 'nearest']),
      m.opset < 20 ? 'bilinear' : 'linear',
    ),
    ...optional(dice, 'padding_mode', dice.one(['zeros', 'border', 'reflection']), 'zeros'),
    ...optional(dice, 'align_corners', dice.one([0, 1]), 0),
  };
  return one(m, 'GridSample', [x, m.floats([n, height, width, 2], grid)], attributes);
};

const normalisation: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length < 2) return [];
  const c = shape[1];
  const epsilon = dice.oneIn(2) ? {} : { epsilon: { float: 1e-3 } };
  if (shape.length >= 3 && elementCount(shape.slice(2)) > 1 && dice.oneIn(3)) {
    return one(m, 'InstanceNormalization', [x, m.floats([c]), m.floats([c])], { epsilon: { float: 1e-2 } });
  }
  if (m.opset >= 17 && elementCount(shape.slice(1)) > 2 && dice.oneIn(2)) {
    const axis = shape.at(-1)! > 2 && dice.oneIn(2) ? shape.length - 1 : 1;
    const inputs = [x, m.floats(shape.slice(axis)), ...(dice.oneIn(2) ? [m.floats(shape.slice(axis))] : [])];
    return one(m, 'LayerNormalization', inputs, {
      ...optional(dice, 'axis', axis, shape.length - 1),
      epsilon: { float: 1e-2 },
    });
  }
  const variance = m.random(c).map((v) => Math.abs(v) + 0.5);
  return one(
    m,
    'BatchNormalization',
    [x, m.floats([c]), m.floats([c]), m.floats([c]), m.floats([c], variance)],
    epsilon,
  );
};

/** Weights in eight bits or in halves, made floats by the file: with one scale, or one for each index of an axis. */
const stored: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  if (shape.length < 2) return [];
  const columns = shape.at(-1)!;
  const rows = dice.from(1, 5);
  const count = rows * columns;
  if (dice.oneIn(3)) {
    const halves = Uint16Array.from({ length: count }, () =>
      dice.one([0x3c00, 0xb800, 0, 0x3555, 0x8001, 0x0400, 0x4248]),
    );
    const name = m.tensor({
      name: `h${m.initializers.length}`,
      type: dataTypes.float16,
      dims: [columns, rows],
      raw: rawBytes(new Uint8Array(halves.buffer)),
    });
    return one(m, 'MatMul', [x, m.node('Cast', [name], { to: dataTypes.float32 })]);
  }
  if (m.opset < 10) return [];
  const type = dice.one(['int8', 'uint8'] as const);
  const integer = () => dice.from(type === 'int8' ? -128 : 0, type === 'int8' ? 127 : 255);
  const integers = m.bytes(type, Array.from({ length: count }, integer), [columns, rows]);
  const axis = m.opset >= 13 ? dice.one([undefined, 0, 1, -1]) : undefined;
  const length = axis === undefined ? [] : [axis === 0 ? columns : rows];
  const scales = m.floats(
    length,
    m.random(elementCount(length)).map((v) => Math.abs(v) / 64 + 1e-3),
  );
  const inputs = [integers, scales];
  if (dice.oneIn(2)) inputs.push(m.bytes(type, Array.from({ length: elementCount(length) }, integer), length));
  return one(m, 'MatMul', [x, m.node('DequantizeLinear', inputs, axis === undefined ? {} : { axis })]);
};

const cast: OnnxNodeGenerator = ({ m, x }) => one(m, 'Cast', [m.node('Cast', [x], { to: 11 })], { to: 1 });

/** Arithmetic of integers and truths, as exporters leave it of shapes; its result scales x. */
const folded: OnnxNodeGenerator = ({ m, x, shape, dice }) => {
  const integer = () => m.int64s(Array.from({ length: 3 }, () => dice.one([dice.from(-7, 7), dice.from(1, 9)])));
  const divisor = () => m.int64s(Array.from({ length: 3 }, () => dice.one([-3, -2, 2, 3, 5])));
  const truth = (): string => {
    const op = dice.one(['Equal', 'Greater', 'Less', ...(m.opset >= 12 ? ['GreaterOrEqual', 'LessOrEqual'] : [])]);
    const compared =
      m.opset < 9 && op !== 'Equal'
        ? [integer(), integer()].map((v) => m.node('Cast', [v], { to: 1 }))
        : [integer(), integer()];
    const value = m.node(op, compared);
    const way = dice.below(4);
    if (way === 0) return m.node('Not', [value]);
    return way === 1 ? m.node(dice.one(['And', 'Or']), [value, truth()]) : value;
  };
  const draw = (depth: number): string => {
    const way = depth === 0 ? 0 : dice.below(11);
    const next = () => draw(depth - 1);
    if (way === 0) return integer();
    if (way === 1) return m.node(dice.one(['Add', 'Sub', 'Mul']), [next(), next()]);
    if (way === 2) return m.node('Div', [next(), divisor()]);
    if (way === 3 && m.opset >= 10) return m.node('Mod', [next(), divisor()], dice.oneIn(2) ? { fmod: 1 } : {});
    if (way === 4 && m.opset >= 12) return m.node(dice.one(['Min', 'Max']), [next(), next()]);
    if (way === 5) return m.node(dice.one(['Neg', 'Abs', ...(m.opset >= 9 ? ['Sign'] : [])]), [next()]);
    if (way === 6 && m.opset >= 9) return m.node('Where', [truth(), next(), next()]);
    if (way === 7) return m.node('Cast', [truth()], { to: 7 });
    if (way === 8) {
      const half = m.node('Mul', [m.node('Cast', [next()], { to: 1 }), m.floats([], [0.5])]);
      const rounded = m.node(dice.one(['Floor', 'Ceil', ...(m.opset >= 11 ? ['Round'] : [])]), [half]);
      return m.node('Cast', [rounded], { to: 7 });
    }
    if (way === 9) {
      const filled = m.node('Shape', [
        m.node('Unsqueeze', [next(), ...(m.opset >= 13 ? [m.int64s([0])] : [])], m.opset >= 13 ? {} : { axes: [0] }),
      ]);
      if (m.opset >= 9 && dice.oneIn(2)) {
        const value = int64Tensor('value', [1], [dice.from(-3, 3)]);
        return m.node('Gather', [m.node('ConstantOfShape', [m.int64s([9])], { value }), filled], { axis: 0 });
      }
      if (dice.oneIn(3))
        return m.node('Add', [
          m.node('Size', [filled]),
          m.node('Constant', [], { value: int64Tensor('value', [3], [1, -2, 3]) }),
        ]);
      const picked = m.node('Gather', [next(), m.int64s([dice.below(3), dice.below(3)])], { axis: 0 });
      return m.node('Concat', [picked, m.int64s([dice.from(1, 4)])], { axis: 0 });
    }
    return m.node('Cast', [m.node('Cast', [next()], { to: 6 })], { to: 7 });
  };
  const numbers = m.node('Cast', [draw(dice.from(1, 3))], { to: 1 });
  const axes = m.opset >= 18 ? [numbers, m.int64s([0])] : [numbers];
  const attributes: Attributes = m.opset >= 18 ? { keepdims: 0 } : { axes: [0], keepdims: 0 };
  const sum = m.node(dice.one(['ReduceMax', 'ReduceMin', 'ReduceMean']), axes, attributes);
  const small = m.node('Mul', [sum, m.floats([], [1 / 64])]);
  return shape.length === 0 ? [] : one(m, 'Add', [x, small]);
};

/** Integers that are computed, and known to any runtime: those given, and nothing of x. */
function computedIntegers({ m, x, shape }: NodeContext, sizes: readonly number[], numbers: readonly number[]): string {
  const flat = m.node('Reshape', [x, m.int64s([elementCount(shape)])]);
  const first = m.node('Slice', [flat, m.int64s([0]), m.int64s([1]), m.int64s([0])]);
  const nothing = m.node('Mul', [first, m.floats([1], [0])]);
  return m.node('Add', [m.floats(sizes, numbers), nothing]);
}

/** Positions of the largest, by whole numbers among which there are equal ones, and what is taken by them. */
const selected: OnnxNodeGenerator = (place) => {
  const { m, x, shape, dice } = place;
  if (m.opset < 11 || shape.length === 0 || elementCount(shape) > 2000) return [];
  const axis = dice.below(shape.length);
  const n = shape[axis];
  const whole = (sizes: readonly number[], low: number, high: number) =>
    computedIntegers(
      place,
      sizes,
      Array.from({ length: elementCount(sizes) }, () => dice.from(low, high)),
    );
  const integers = (sizes: readonly number[], low: number, high: number) =>
    m.node('Cast', [whole(sizes, low, high)], { to: dice.one([6, 7]) });
  const toFloats = (value: string) => m.node('Cast', [value], { to: 1 });
  const way = dice.below(7);
  if (way === 0) {
    const k = dice.from(1, n);
    const attributes = { ...optional(dice, 'axis', axis, shape.length - 1), largest: dice.below(2) };
    const [values, indices] = m.nodesOf('TopK', [whole(shape, -9, 9), m.int64s([k])], attributes, 2);
    const turned = m.node('GatherElements', [x, indices], { axis });
    return dice.oneIn(2) ? [values, turned] : [m.node('Add', [turned, toFloats(indices)])];
  }
  if (way === 1) {
    const keepdims = dice.below(2);
    const attributes = { ...optional(dice, 'axis', axis, 0), ...optional(dice, 'keepdims', keepdims, 1) };
    const index = m.node(dice.one(['ArgMax', 'ArgMin']), [whole(shape, -9, 9)], attributes);
    return one(m, 'Cast', [index], { to: 1 });
  }
  if (way === 2) {
    const sizes = shape.map((d, i) => (i === axis ? dice.from(1, 6) : dice.from(1, d)));
    return one(m, 'GatherElements', [x, integers(sizes, -n, n - 1)], { axis });
  }
  if (way === 3) return one(m, 'Gather', [x, integers(dice.one([[3], [2, 2], []]), -n, n - 1)], { axis });
  if (way === 4 && m.opset >= 12) {
    const batches = dice.below(Math.min(shape.length, 2));
    const depth = dice.from(1, shape.length - batches);
    const least = Math.min(...shape.slice(batches, batches + depth));
    const sizes = [...shape.slice(0, batches), dice.from(1, 4), depth];
    const indices = m.node('Cast', [whole(sizes, dice.oneIn(2) ? 0 : -least, least - 1)], { to: 7 });
    return one(m, 'GatherND', [x, indices], batches > 0 ? { batch_dims: batches } : {});
  }
  if (way === 5) {
    // of indices, as heads compute class and anchor
    const [a, b] = [integers(shape, -40, 40), m.node('Cast', [m.floats([], [dice.from(1, 7)])], { to: 7 })];
    const wide = m.node('Cast', [a], { to: 7 });
    const ops = ['Div', 'Mul', 'Add', 'Sub', ...(m.opset >= 13 ? ['Mod', 'Max', 'Min'] : [])];
    return [toFloats(m.node(dice.one(ops), [wide, b]))];
  }
  const condition = m.opset < 12 ? 'Greater' : dice.one(['Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'Equal']);
  const compared = m.node(condition, [whole(shape, -2, 2), whole([1], -2, 2)]);
  const other = m.node('Less', [whole(shape, -2, 2), m.floats([], [0.5])]);
  const both = dice.oneIn(2) ? compared : m.node(dice.one(['And', 'Or', 'Xor']), [compared, other]);
  return one(m, 'Where', [dice.oneIn(2) ? both : m.node('Not', [both]), x, m.floats([1])]);
};

/** Functions that jump, on numbers that are known. */
const rounded: OnnxNodeGenerator = (place) => {
  const { m, shape, dice } = place;
  if (m.opset < 11 || shape.length === 0) return [];
  const numbers = Array.from({ length: elementCount(shape) }, () => dice.from(-20, 20) / dice.one([2, 4, 8]));
  return one(m, dice.one(['Floor', 'Ceil', 'Round', 'Sign', 'Sin', 'Cos']), [computedIntegers(place, shape, numbers)]);
};

/** By name; the names are in messages alone. */
export const onnxSteps: Record<string, OnnxNodeGenerator> = {
  conv,
  conv2: conv,
  convTranspose,
  maxPool: pool('MaxPool'),
  averagePool: pool('AveragePool'),
  globalPool,
  gemm,
  gemm2: gemm,
  matMul,
  unary,
  unary2: unary,
  demanding,
  clip,
  binary,
  binary2: binary,
  variadic,
  softmax,
  reduce,
  resize,
  resize2: resize,
  concat,
  split,
  slice,
  gather,
  scatterND,
  scatterElements,
  einsum,
  pad,
  reshape,
  flatten,
  squeeze,
  unsqueeze,
  transpose,
  expand,
  tile,
  rearrange,
  gridSample,
  normalisation,
  stored,
  cast,
  folded,
  selected,
  selected2: selected,
  rounded,
};
