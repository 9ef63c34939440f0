// Integers that are computed are float32 values in the graph, as everything computed: exact below 2²⁴.
import type { Shape } from '../graph/graph.ts';
import { integerRanges, isQuantisedType } from '../quantisation.ts';
import type { DType } from '../tensor.ts';
import type { OperatorName } from '../ops/index.ts';
import type { Interval } from '../passes/ranges.ts';
import { rowMajorStrides } from '../program/layout.ts';

/** From here on float32 does not hold all integers. */
const inexactInteger = 2 ** 24;

/** Whether all integers of a range are exact in float32; a range of rounded numbers that reaches 2²⁴ may have been larger. */
export const isExact = ({ low, high }: Interval): boolean => low > -inexactInteger && high < inexactInteger;

/** The integers that a graph's input of that type may hold, where they are few enough to compute with. */
export function integersOfInput(dtype: DType): Interval | undefined {
  if (dtype === 'bool') return { low: 0, high: 255 };
  if (!isQuantisedType(dtype) || dtype === 'int32') return undefined;
  const [low, high] = integerRanges[dtype];
  return { low, high };
}

export const inexactReason = (type: string): string =>
  `it computes with ${type} numbers that may be 2²⁴ or more, which float32 does not hold exactly`;

/** What an importer adds to its graph. */
interface Emitter {
  emit(op: OperatorName, attributes: object, inputs: string[]): string;
  /** A constant. */
  addConstant(shape: Shape, data: readonly number[]): string;
  shapeOf(value: string): Shape;
}

/**
 * (…, depth) indices into axes of these sizes → (…) positions in the axes as one. Indices outside become the nearest inside.
 * @param range of the indices; negative ones count from the end
 */
export function flatPositions(emitter: Emitter, indices: string, sizes: readonly number[], range: Interval): string {
  const constant = (...numbers: number[]) => emitter.addConstant(numbers.length === 1 ? [] : [numbers.length], numbers);
  const binary = (fn: string, a: string, b: string) => emitter.emit('binary', { fn }, [a, b]);
  const perAxis = (numbers: readonly number[]) => emitter.addConstant([numbers.length], numbers);
  let positive = indices;
  if (range.low < 0) {
    const isNegative = binary('less', indices, constant(0));
    positive = binary('add', indices, binary('mul', isNegative, perAxis(sizes)));
  }
  const last = sizes.map((d) => d - 1);
  const inside = binary('min', binary('max', positive, constant(0)), perAxis(last));
  const steps = binary('mul', inside, perAxis(rowMajorStrides(sizes)));
  const axis = emitter.shapeOf(indices).length - 1;
  return emitter.emit('reduce', { fn: 'sum', axes: [axis], keepDims: false }, [steps]);
}
