// Arithmetic on constants: what exporters leave of shape computations. Integers stay integers.
import { roundHalfToEven } from '../../graph/activation.ts';
import type { Shape } from '../../graph/graph.ts';
import { rowMajorStrides } from '../../program/layout.ts';
import { broadcastIndices } from '../../ops/broadcast.ts';
import { elementCount } from '../../tensor.ts';
import { type OnnxConstant, emptyNumbers, floatTypes, int64s, isNumeric, type NumericType } from './constant.ts';
import type { Operation } from './operation.ts';
import type { ElementType } from './schema.ts';
import { broadcasted } from './views.ts';

interface Fold {
  /** How many inputs the operator has. */
  least: number;
  most: number;
  /** Computes a node from its inputs, which are all constant. Their number has been checked. */
  result: (operation: Operation, inputs: OnnxConstant[]) => OnnxConstant;
}

const exactly = (count: number, result: Fold['result']): Fold => ({ least: count, most: count, result });

type Scalar = (a: number, b: number, isInteger: boolean) => number;

const isInteger = (type: ElementType) => !floatTypes.includes(type);

/** The result of an elementwise function on broadcast operands. */
function combined(operation: Operation, a: OnnxConstant, b: OnnxConstant, type: ElementType, f: Scalar): OnnxConstant {
  const shape = operation.broadcast(a.shape, b.shape);
  const count = elementCount(shape);
  operation.spend(count);
  const aAt = broadcastIndices(a.shape, shape);
  const bAt = broadcastIndices(b.shape, shape);
  const data = emptyNumbers(type as NumericType, count);
  const integers = isInteger(a.type);
  for (let i = 0; i < count; i++) data[i] = f(a.data[aAt[i]], b.data[bAt[i]], integers);
  return { type, shape, data };
}

/** Combines any number of operands, one after the other. */
const variadic = (f: Scalar): Fold => ({
  least: 1,
  most: Infinity,
  result: (operation, [first, ...others]) =>
    others.reduce((sum, other) => combined(operation, sum, other, first.type, f), first),
});

const binary = (f: Scalar) => exactly(2, (operation, [a, b]) => combined(operation, a, b, a.type, f));

const compare = (f: (a: number, b: number) => boolean) =>
  exactly(2, (operation, [a, b]) => combined(operation, a, b, 'bool', (x, y) => Number(f(x, y))));

const each = (f: (x: number) => number) =>
  exactly(1, (operation, [{ type, shape, data }]) => {
    operation.spend(data.length);
    const results = emptyNumbers(type as NumericType, data.length);
    for (let i = 0; i < data.length; i++) results[i] = f(data[i]);
    return { type, shape, data: results };
  });

/** The result has the sign of the divisor (fmod 0) or of the dividend (fmod 1). */
const mod = exactly(2, (operation, [a, b]) => {
  const keepsDividendSign = operation.int('fmod', 0) === 1;
  const f: Scalar = keepsDividendSign ? (x, y) => x % y : (x, y) => x - Math.floor(x / y) * y;
  return combined(operation, a, b, a.type, f);
});

const where = exactly(3, (operation, [condition, a, b]) => {
  const shape = operation.broadcast(operation.broadcast(condition.shape, a.shape), b.shape);
  operation.spend(2 * elementCount(shape));
  const [chosen, yes, no] = [condition, a, b].map((input) => broadcasted(input, shape));
  const data = yes.data.slice();
  for (let i = 0; i < data.length; i++) if (!chosen.data[i]) data[i] = no.data[i];
  return { type: a.type, shape, data };
});

const range = exactly(3, (operation, [start, limit, delta]) => {
  const [from, to, step] = [start, limit, delta].map(({ data }) => data[0]);
  const count = Math.max(Math.ceil((to - from) / step), 0);
  if (!Number.isFinite(count)) operation.fail(`a range from ${from} to ${to} in steps of ${step}`);
  operation.spend(count);
  const data = emptyNumbers(start.type as NumericType, count);
  for (let i = 0; i < count; i++) data[i] = from + i * step;
  return { type: start.type, shape: [count], data };
});

const nonZero = exactly(1, (operation, [{ shape, data }]) => {
  operation.spend(data.length);
  const found = [...data.keys()].filter((i) => data[i] !== 0);
  operation.spend(found.length * shape.length);
  const coordinates = rowMajorStrides(shape).flatMap((stride, axis) =>
    found.map((i) => Math.floor(i / stride) % shape[axis]),
  );
  return int64s(coordinates, [shape.length, found.length]);
});

const cast = exactly(1, (operation, [constant]) => {
  const type = operation.castType();
  if (!isNumeric(type)) return operation.unsupported(`to ${type}`);
  const { shape, data } = constant;
  if (type === constant.type) return constant;
  operation.spend(data.length);
  const results = emptyNumbers(type, data.length);
  const convert = type === 'bool' ? (x: number) => Number(x !== 0) : isInteger(type) ? Math.trunc : (x: number) => x;
  for (let i = 0; i < data.length; i++) results[i] = convert(data[i]);
  return { type, shape, data: results };
});

/** Reduces a tensor along the axes that an attribute or a second input gives. */
function reduction(
  start: number,
  f: (sum: number, x: number) => number,
  finish = (sum: number, _count: number) => sum,
) {
  const result: Fold['result'] = (operation, [x]) => {
    const { axes, keepDims } = operation.reduction();
    operation.spend(x.data.length); // the result is small, but the work is not
    const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const results = new Float64Array(elementCount(kept)).fill(start);
    const at = keptIndices(x.shape, kept);
    for (let i = 0; i < x.data.length; i++) results[at[i]] = f(results[at[i]], x.data[i]);
    const count = x.data.length / Math.max(results.length, 1);
    const data = emptyNumbers(x.type as NumericType, results.length);
    for (let i = 0; i < data.length; i++) data[i] = finish(results[i], count);
    return { type: x.type, shape: keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis)), data };
  };
  return { least: 1, most: 2, result };
}

/** Sums of all elements up to each one along an axis; `exclusive` without itself, `reverse` from the end. */
const cumulativeSum = exactly(2, (operation, [{ type, shape, data }, axes]) => {
  const axis = operation.axis(axes.data[0] ?? NaN, shape.length);
  const [exclusive, reverse] = [operation.int('exclusive', 0) !== 0, operation.int('reverse', 0) !== 0];
  operation.spend(data.length);
  const results = emptyNumbers(type as NumericType, data.length);
  const stride = rowMajorStrides(shape)[axis];
  for (let i = 0; i < data.length; i++) {
    if (Math.floor(i / stride) % shape[axis] !== 0) continue;
    let sum = 0;
    for (let k = 0; k < shape[axis]; k++) {
      const at = i + (reverse ? shape[axis] - 1 - k : k) * stride;
      results[at] = exclusive ? sum : sum + data[at];
      sum += data[at];
    }
  }
  return { type, shape, data: results };
});

/** The index in the result of every element when axes shrink to 1. */
const keptIndices = (shape: Shape, kept: Shape) => broadcastIndices(kept, shape);

/** Folds by operator, for constants of any type. */
const folds: Record<string, Fold> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b, integers) => (integers ? Math.trunc(a / b) : a / b)),
  Sum: variadic((a, b) => a + b),
  Pow: binary((a, b) => a ** b),
  Min: variadic((a, b) => Math.min(a, b)),
  Max: variadic((a, b) => Math.max(a, b)),
  Mod: mod,
  Equal: compare((a, b) => a === b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  And: compare((a, b) => a !== 0 && b !== 0),
  Or: compare((a, b) => a !== 0 || b !== 0),
  Not: each((x) => Number(x === 0)),
  Neg: each((x) => -x),
  Abs: each(Math.abs),
  Sign: each(Math.sign),
  Floor: each(Math.floor),
  Ceil: each(Math.ceil),
  Round: each(roundHalfToEven),
  Sqrt: each(Math.sqrt),
  Exp: each(Math.exp),
  Log: each(Math.log),
  Reciprocal: each((x) => 1 / x),
  Where: where,
  Range: range,
  NonZero: nonZero,
  CumSum: cumulativeSum,
  Cast: cast,
  ReduceProd: reduction(1, (product, x) => product * x),
  ReduceSum: reduction(0, (sum, x) => sum + x),
  ReduceMax: reduction(-Infinity, Math.max),
  ReduceMin: reduction(Infinity, Math.min),
  ReduceMean: reduction(
    0,
    (sum, x) => sum + x,
    (sum, count) => sum / count,
  ),
};

/** Computes a node whose inputs are constant; false when there is no fold for its operator. */
export function foldArithmetic(operation: Operation): boolean {
  const { op, domain, inputs, outputs } = operation.node;
  if (domain !== '' || !Object.hasOwn(folds, op) || outputs.length !== 1) return false;
  const count = inputs.findLastIndex((name) => name !== '') + 1;
  const constants = inputs.slice(0, count).map((_, i) => operation.knownConstant(i));
  if (count === 0 || constants.includes(undefined)) return false;
  const { least, most, result } = folds[op];
  const wanted = Math.min(Math.max(count, least), most);
  if (count !== wanted) operation.fail(`needs ${wanted} inputs, has ${count}`);
  operation.constantResult(result(operation, constants as OnnxConstant[]));
  return true;
}

/** Operators that are computed on constants of any type. */
export const foldedOperators: readonly string[] = Object.keys(folds);

/** Whether an operator has a fold. Then it is known, but not supported on computed values. */
export const foldsConstants = (op: string): boolean => Object.hasOwn(folds, op);
