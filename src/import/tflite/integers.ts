// Shapes that the file computes: SHAPE of a feature map, a slice of it, a PACK into the operand of a RESHAPE. All shapes
// are known here, so these operators are computed while the file is read, and the graph does not contain them.
import type { Integers } from './known-integers.ts';
import { elementCount } from '../../tensor.ts';
import type { Operation } from './operation.ts';
import { stridedRange } from './operators/strided.ts';

type Fold = (operation: Operation, inputs: Integers[]) => Integers | undefined;

const vector = (numbers: number[]): Integers => ({ shape: [numbers.length], numbers });

/** An elementwise function; scalars are repeated. */
function elementwise(f: (a: number, b: number) => number): Fold {
  return (_, [a, b]) => {
    const long = a.numbers.length >= b.numbers.length ? a : b;
    const at = ({ numbers }: Integers, i: number) => numbers[numbers.length === 1 ? 0 : i];
    if (![1, long.numbers.length].includes(Math.min(a.numbers.length, b.numbers.length))) return undefined;
    return { shape: long.shape, numbers: long.numbers.map((__, i) => f(at(a, i), at(b, i))) };
  };
}

/** The same numbers in the shape that the file gives the output. */
const reshaped: Fold = (operation, [x]) => {
  const { shape } = operation.output();
  return elementCount(shape) === x.numbers.length ? { shape, numbers: x.numbers } : undefined;
};

const folds: Record<string, Fold> = {
  CAST: (_, [x]) => x,
  RESHAPE: reshaped,
  SQUEEZE: reshaped,
  EXPAND_DIMS: reshaped,
  PACK: (operation, inputs) =>
    inputs.every(({ shape }) => shape.length === 0) && operation.options('Pack').int32(1) === 0
      ? vector(inputs.flatMap(({ numbers }) => numbers))
      : undefined,
  CONCATENATION: (_, inputs) =>
    inputs.every(({ shape }) => shape.length === 1) ? vector(inputs.flatMap(({ numbers }) => numbers)) : undefined,
  STRIDED_SLICE: (operation, [x]) => {
    if (x.shape.length !== 1) return undefined;
    const { starts, sizes, steps, kept } = stridedRange(operation, x.shape);
    const numbers = Array.from({ length: sizes[0] }, (_, i) => x.numbers[starts[0] + i * steps[0]]);
    return { shape: kept, numbers };
  },
  GATHER: (_, [x, indices]) =>
    x.shape.length === 1 && indices.numbers.every((i) => i >= 0 && i < x.numbers.length)
      ? { shape: indices.shape, numbers: indices.numbers.map((i) => x.numbers[i]) }
      : undefined,
  REDUCE_PROD: (operation, [x]) =>
    x.shape.length === 1 && !operation.options('Reducer').bool(0)
      ? { shape: [], numbers: [elementCount(x.numbers)] }
      : undefined,
  ADD: elementwise((a, b) => a + b),
  SUB: elementwise((a, b) => a - b),
  MUL: elementwise((a, b) => a * b),
  FLOOR_DIV: elementwise((a, b) => Math.floor(a / b)),
};

/** Operators that are computed on known integers. */
export const foldedOperators: readonly string[] = ['SHAPE', ...Object.keys(folds)];

const integerTypes = ['int32', 'int64'];

/** Computes an operator on known integers; false when it has no fold. */
export function foldIntegers(operation: Operation): boolean {
  const { operator, translation } = operation;
  if (operator.outputs.length !== 1 || !integerTypes.includes(operation.output().type)) return false;
  if (operation.output().quantization) return false;
  if (operator.name === 'SHAPE') {
    translation.setIntegers(operation.output(), vector([...operation.shape(0)]));
    return true;
  }
  if (!Object.hasOwn(folds, operator.name)) return false;
  const inputs = operator.inputs.map((index, i) => (index === -1 ? undefined : operation.knownIntegers(i)));
  if (inputs.length === 0 || inputs.includes(undefined)) return false;
  const result = folds[operator.name](operation, inputs as Integers[]);
  if (!result || !result.numbers.every(Number.isSafeInteger)) return false;
  translation.setIntegers(operation.output(), result);
  return true;
}
