// Conv, ConvTranspose, Gemm, MatMul and the pools.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { Shape } from '../../../graph/graph.ts';
import { elementCount } from '../../../tensor.ts';
import { asFloats, type OnnxConstant, float32s } from '../constant.ts';
import type { Pair } from '../../../ops/window.ts';
import type { Handler, Operation } from '../operation.ts';
import { permuted } from '../views.ts';

/** Geometry in two dimensions. One-dimensional windows get a height of 1. */
export interface WindowGeometry {
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  /** Top, left, bottom, right. */
  pads: readonly [number, number, number, number];
}

/** A list attribute with one entry for each spatial axis; when it is not given, every entry is `absent`. */
function perAxis(operation: Operation, name: string, dimensions: number, absent: number): number[] {
  const list = operation.ints(name);
  if (list === undefined || list.length === 0) return Array.from({ length: dimensions }, () => absent);
  if (list.length !== dimensions) operation.fail(`${name} [${list}] must have ${dimensions} entries`);
  return list;
}

/** Kernel sizes, strides and pads for an input of (N, C, spatial …). */
export function readGeometry(operation: Operation, shape: Shape, kernel: readonly number[]): WindowGeometry {
  const spatial = shape.slice(2);
  const dimensions = spatial.length;
  if (dimensions < 1 || dimensions > 2)
    operation.unsupported(`an input of rank ${shape.length}; ranks 3 and 4 are supported`);
  const stride = perAxis(operation, 'strides', dimensions, 1);
  const dilation = perAxis(operation, 'dilations', dimensions, 1);
  const auto = operation.string('auto_pad', 'NOTSET');
  let before: number[];
  let after: number[];
  if (auto === 'NOTSET' || auto === 'VALID') {
    const pads =
      auto === 'VALID' ? perAxis(operation, '', 2 * dimensions, 0) : perAxis(operation, 'pads', 2 * dimensions, 0);
    [before, after] = [pads.slice(0, dimensions), pads.slice(dimensions)];
  } else if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const totals = spatial.map((size, i) =>
      Math.max((Math.ceil(size / stride[i]) - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - size, 0),
    );
    const less = totals.map((total) => total >> 1);
    const more = totals.map((total, i) => total - less[i]);
    [before, after] = auto === 'SAME_UPPER' ? [less, more] : [more, less];
  } else {
    return operation.fail(`auto_pad "${auto}"`);
  }
  if ([...before, ...after].some((pad) => pad < 0)) operation.unsupported(`negative pads [${before}, ${after}]`);
  const two = (list: readonly number[], first: number): Pair =>
    list.length === 1 ? [first, list[0]] : [list[0], list[1]];
  const [top, left] = two(before, 0);
  const [bottom, right] = two(after, 0);
  return {
    kernel: two(kernel, 1),
    stride: two(stride, 1),
    dilation: two(dilation, 1),
    pads: [top, left, bottom, right],
  };
}

/** (N, C, L) → (N, C, 1, L); rank 4 stays. */
export function asPlanes(operation: Operation, x: string): string {
  const shape = operation.shapeOf(x);
  return shape.length === 3 ? operation.reshape(x, [shape[0], shape[1], 1, shape[2]]) : x;
}

/** Undoes `asPlanes`. */
function asInput(operation: Operation, y: string, rank: number): string {
  const [n, c, , width] = operation.shapeOf(y);
  return rank === 3 ? operation.reshape(y, [n, c, width]) : y;
}

/** (O, I, k) → (O, I, 1, k). Rank 4 gives the constant itself, so that shared weights stay shared. */
function planeWeights(weights: OnnxConstant): OnnxConstant {
  const { shape } = weights;
  return shape.length === 3 ? { ...weights, shape: [shape[0], shape[1], 1, shape[2]] } : weights;
}

function checkKernel(operation: Operation, weights: OnnxConstant, rank: number): void {
  const { shape } = weights;
  if (shape.length !== rank) operation.fail(`weights of shape [${shape}] for an input of rank ${rank}`);
  const kernel = operation.ints('kernel_shape');
  if (kernel && kernel.length > 0 && kernel.join() !== shape.slice(2).join()) {
    operation.fail(`kernel_shape [${kernel}] contradicts weights of shape [${shape}]`);
  }
}

/** A convolution of a real value with real weights and bias; gives (N, O, spatial …). */
export function convolve(
  operation: Operation,
  x: string,
  weights: OnnxConstant,
  bias: OnnxConstant | undefined,
): string {
  const shape = operation.shapeOf(x);
  checkKernel(operation, weights, shape.length);
  const { kernel: _, ...geometry } = readGeometry(operation, shape, weights.shape.slice(2));
  const inputs = [asPlanes(operation, x), operation.place(planeWeights(weights), weightName(operation))];
  if (bias) inputs.push(operation.place(bias, `${operation.title}/bias`));
  const attributes = { ...geometry, groups: operation.int('group', 1) };
  return asInput(operation, operation.emit('conv2d', attributes, inputs), shape.length);
}

const weightName = (operation: Operation) => operation.node.inputs[1] || `${operation.title}/weights`;

const conv: Handler = (operation) => {
  const weights = operation.constant(1, 'the weights');
  const bias = operation.has(2) ? operation.constant(2, 'the bias') : undefined;
  operation.result(convolve(operation, operation.value(0), weights, bias));
};

/** `pads` crop the output, unless `output_shape` or SAME determine the crop. */
const convTranspose: Handler = (operation) => {
  const x = operation.value(0);
  const shape = operation.shape(0);
  const weights = operation.constant(1, 'the weights');
  const bias = operation.has(2) ? operation.constant(2, 'the bias') : undefined;
  checkKernel(operation, weights, shape.length);
  const spatial = shape.slice(2);
  const dimensions = spatial.length;
  if (dimensions < 1 || dimensions > 2)
    operation.unsupported(`an input of rank ${shape.length}; ranks 3 and 4 are supported`);
  const stride = perAxis(operation, 'strides', dimensions, 1);
  const dilation = perAxis(operation, 'dilations', dimensions, 1);
  const extra = [...perAxis(operation, 'output_padding', dimensions, 0)];
  const auto = operation.string('auto_pad', 'NOTSET');
  const isSame = auto === 'SAME_UPPER' || auto === 'SAME_LOWER';
  const wanted = operation.ints('output_shape') ?? [];
  let pads = perAxis(operation, 'pads', 2 * dimensions, 0);
  if (auto === 'VALID') pads = pads.map(() => 0);
  if (wanted.length > 0 || isSame) {
    // Older files name all axes of the output.
    const sizes = wanted.length > 0 ? wanted.slice(-dimensions) : spatial.map((size, i) => size * stride[i]);
    pads = [];
    sizes.forEach((size, i) => {
      const full = (spatial[i] - 1) * stride[i] + extra[i] + (weights.shape[2 + i] - 1) * dilation[i] + 1;
      const total = Math.max(full - size, 0);
      extra[i] += Math.max(size - full, 0);
      const less = total >> 1;
      pads[i] = auto === 'SAME_UPPER' ? less : total - less;
      pads[dimensions + i] = total - pads[i];
    });
  }
  const two = (list: readonly number[], first: number) => (dimensions === 1 ? [first, list[0]] : [...list]);
  const attributes = {
    stride: two(stride, 1),
    dilation: two(dilation, 1),
    pads: [...two(pads.slice(0, dimensions), 0), ...two(pads.slice(dimensions), 0)],
    outputPadding: two(extra, 0),
    groups: operation.int('group', 1),
  };
  const inputs = [asPlanes(operation, x), operation.place(planeWeights(weights), weightName(operation))];
  if (bias) inputs.push(operation.place(bias, `${operation.title}/bias`));
  operation.result(asInput(operation, operation.emit('convTranspose2d', attributes, inputs), shape.length));
};

/** x (…, K) by weights (O, K), with a bias (O)? → (…, O). The kernel needs rows. */
function rowsTimes(operation: Operation, x: string, weights: OnnxConstant, bias?: OnnxConstant): string {
  const shape = operation.shapeOf(x);
  const columns = shape.at(-1)!;
  if (columns !== weights.shape[1]) {
    operation.fail(`an input of shape [${shape}] has ${columns} columns, the weights have ${weights.shape[1]} rows`);
  }
  const rows = shape.length === 2 ? x : operation.reshape(x, [elementCount(shape) / columns, columns]);
  const inputs = [rows, operation.place(weights, weightName(operation))];
  if (bias) inputs.push(operation.place(bias, `${operation.title}/bias`));
  return operation.reshape(operation.emit('linear', {}, inputs), [...shape.slice(0, -1), weights.shape[0]]);
}

/** The value with its last two axes exchanged. */
function swapped(operation: Operation, x: string): string {
  const rank = operation.shapeOf(x).length;
  const permutation = Array.from({ length: rank }, (_, i) => i);
  permutation.splice(-2, 2, rank - 1, rank - 2);
  return operation.emit('transpose', { permutation }, [x]);
}

const transposed = (constant: OnnxConstant) => permuted(constant, [1, 0]);

/** Two operands of MatMul. A matrix of constants, the same for all of the other operand, becomes weights. */
export function multiply(operation: Operation, a: string | OnnxConstant, b: string | OnnxConstant): string {
  if (typeof a === 'string' && typeof b !== 'string' && b.shape.slice(0, -2).every((d) => d === 1)) {
    const extra = b.shape.length - 2;
    const isVector = b.shape.length === 1;
    const matrix = { ...b, shape: isVector ? [b.shape[0], 1] : b.shape.slice(-2) };
    if (matrix.shape.length !== 2) operation.fail(`weights of shape [${b.shape}]`);
    const shape = operation.shapeOf(a);
    if (shape.length === 0) operation.fail('a scalar is not a matrix');
    const rows = shape.length === 1 ? operation.reshape(a, [1, shape[0]]) : a;
    operation.spend(matrix.data.length);
    const y = rowsTimes(operation, rows, transposed(matrix));
    const tail = isVector ? [] : [matrix.shape[1]];
    const leading = Array.from({ length: Math.max(0, extra - Math.max(shape.length - 2, 0)) }, () => 1);
    return operation.reshape(y, [...leading, ...shape.slice(0, -1), ...tail]);
  }
  if (typeof a !== 'string' && typeof b === 'string' && a.shape.length === 2 && operation.shapeOf(b).length >= 2) {
    return swapped(operation, rowsTimes(operation, swapped(operation, b), a));
  }
  const asValue = (x: string | OnnxConstant) => (typeof x === 'string' ? x : operation.place(x, weightName(operation)));
  return multiplyComputed(operation, asValue(a), asValue(b));
}

/** Of a vector, the first operand is taken for one row, the second for one column; the product lacks that axis. */
function multiplyComputed(operation: Operation, a: string, b: string): string {
  const shapes = [operation.shapeOf(a), operation.shapeOf(b)];
  if (shapes.some((shape) => shape.length === 0)) operation.fail('a scalar is no matrix');
  const [isRow, isColumn] = shapes.map((shape) => shape.length === 1);
  const rows = isRow ? operation.reshape(a, [1, ...shapes[0]]) : a;
  const columns = isColumn ? operation.reshape(b, [...shapes[1], 1]) : b;
  const y = operation.emit('matmul', { transposeA: false, transposeB: false }, [rows, columns]);
  const shape = operation.shapeOf(y);
  const matrix = [...(isRow ? [] : [shape.at(-2)!]), ...(isColumn ? [] : [shape.at(-1)!])];
  return operation.reshape(y, [...shape.slice(0, -2), ...matrix]);
}

const matMul: Handler = (operation) => {
  const [a, b] = [operation.knownConstant(0) ?? operation.value(0), operation.knownConstant(1) ?? operation.value(1)];
  // Of two constants one becomes a value; the result is folded.
  operation.result(multiply(operation, typeof a !== 'string' && typeof b !== 'string' ? operation.value(0) : a, b));
};

/** alpha·A′·B′ + beta·C. */
const gemm: Handler = (operation) => {
  const [alpha, beta] = [operation.float('alpha', 1), operation.float('beta', 1)];
  const [transA, transB] = [operation.int('transA', 0) !== 0, operation.int('transB', 0) !== 0];
  for (const i of [0, 1])
    if (operation.rank(i) !== 2) operation.fail(`input ${i} of shape [${operation.shape(i)}] must have rank 2`);
  let product: string;
  let bias: OnnxConstant | undefined;
  const b = operation.knownConstant(1);
  if (b) {
    const a = operation.value(0);
    if (!transB) operation.spend(b.data.length);
    const weights = scaled(operation, transB ? b : transposed(b), alpha);
    bias = rowBias(operation, weights.shape[0], beta);
    product = rowsTimes(operation, transA ? swapped(operation, a) : a, weights, bias);
  } else if (!operation.knownConstant(0)) {
    const operands = [operation.value(0), operation.value(1)];
    product = operation.emit('matmul', { transposeA: transA, transposeB: transB }, operands);
    if (alpha !== 1) product = operation.emit('binary', { fn: 'mul' }, [product, operation.addConstant([], [alpha])]);
  } else {
    const a = operation.constant(0, 'one of the operands');
    const weights = scaled(operation, transA ? transposed(a) : a, alpha);
    const x = operation.value(1);
    product = swapped(operation, rowsTimes(operation, transB ? x : swapped(operation, x), weights));
  }
  if (!operation.has(2) || bias || beta === 0) return operation.result(product);
  const c = operation.value(2);
  const term = beta === 1 ? c : operation.emit('binary', { fn: 'mul' }, [c, operation.addConstant([], [beta])]);
  const sum = operation.emit('binary', { fn: 'add' }, [product, term]);
  if (elementCount(operation.shapeOf(sum)) !== elementCount(operation.shapeOf(product))) {
    operation.fail(`C of shape [${operation.shape(2)}] does not fit [${operation.shapeOf(product)}]`);
  }
  operation.result(sum);
};

function scaled(operation: Operation, constant: OnnxConstant, factor: number): OnnxConstant {
  if (factor === 1) return constant;
  operation.spend(constant.data.length);
  return float32s(
    constant.shape,
    asFloats(constant).map((v) => v * factor),
  );
}

/** C as a bias (outputs), when it is constant and the same for every row. */
function rowBias(operation: Operation, outputs: number, beta: number): OnnxConstant | undefined {
  const c = operation.knownConstant(2);
  if (!c || (c.shape.length === 2 && c.shape[0] !== 1) || c.shape.length > 2) return undefined;
  if (c.data.length !== 1 && c.data.length !== outputs) return undefined;
  const data = asFloats(c);
  operation.spend(outputs);
  return float32s(
    [outputs],
    Float32Array.from({ length: outputs }, (_, i) => beta * data[data.length === 1 ? 0 : i]),
  );
}

function pool(op: 'maxPool' | 'averagePool'): Handler {
  return (operation) => {
    operation.requireOutputs(1);
    // the largest of integers is one of them
    const x = op === 'maxPool' ? operation.anyValue(0) : operation.value(0);
    const shape = operation.shape(0);
    const sizes = operation.ints('kernel_shape') ?? operation.fail('attribute "kernel_shape" is missing');
    if (sizes.length !== shape.length - 2) operation.fail(`kernel_shape [${sizes}] for an input of shape [${shape}]`);
    const { kernel, stride, dilation, pads } = readGeometry(operation, shape, sizes);
    const ceilMode = operation.int('ceil_mode', 0) !== 0 && operation.string('auto_pad', 'NOTSET') === 'NOTSET';
    const window = { kernel, stride, pads, ceilMode };
    if (op === 'averagePool' && dilation.some((d) => d !== 1)) operation.unsupported(`dilations ${dilation}`);
    const own = op === 'maxPool' ? { dilation } : { countIncludePad: operation.int('count_include_pad', 0) !== 0 };
    const y = operation.emit(op, { ...window, ...own }, [asPlanes(operation, x)]);
    const result = asInput(operation, y, shape.length);
    if (op === 'maxPool') operation.movedResult(result);
    else operation.result(result);
  };
}

export const convolutions: Record<string, ImportedOperator<Operation>> = {
  Conv: {
    becomes: ['conv2d', 'reshape'],
    limits: '1 or 2 spatial axes. Weights and bias are constants. No negative pads.',
    translate: conv,
  },
  ConvTranspose: {
    becomes: ['convTranspose2d', 'reshape'],
    limits: '1 or 2 spatial axes. Weights and bias are constants.',
    translate: convTranspose,
  },
  MatMul: {
    becomes: ['matmul', 'linear', 'reshape', 'transpose'],
    limits: '',
    translate: matMul,
  },
  Gemm: { becomes: ['linear', 'matmul', 'transpose', 'binary'], limits: '', translate: gemm },
  MaxPool: {
    becomes: ['maxPool', 'reshape'],
    limits: '1 or 2 spatial axes. No output of indices. No negative pads.',
    translate: pool('maxPool'),
  },
  AveragePool: {
    becomes: ['averagePool', 'reshape'],
    limits: '1 or 2 spatial axes. No dilations. No negative pads.',
    translate: pool('averagePool'),
  },
};
