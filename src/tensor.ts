import type { DType, TensorData } from './dtypes.ts';
import { FiligreeError } from './errors.ts';
import { integerRanges, isQuantisedType } from './quantisation.ts';

export type { DType, TensorData };

/** Bytes of one element of each dtype. */
export const elementBytes: Record<DType, number> = {
  float32: 4,
  float16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
};

/** Whether a string is the name of a dtype. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(elementBytes, name);
}

const arrays = {
  float32: Float32Array,
  float16: Uint16Array, // raw bits
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** Number of elements of a shape; 1 for a scalar (`[]`). */
export function elementCount(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/** Clamps numbers to the range of an integer dtype. Typed arrays would wrap them around. */
function saturated(numbers: readonly number[], dtype: DType): Float64Array {
  const list = Float64Array.from(numbers);
  if (!isQuantisedType(dtype)) return list;
  const [low, high] = integerRanges[dtype];
  return list.map((v) => Math.min(Math.max(v, low), high));
}

/**
 * A dense, row-major n-dimensional array. Numbers outside the range of an integer dtype saturate.
 * @throws FiligreeError `invalid-argument` for an unknown dtype or an invalid shape, and when the data's type or length does not fit dtype and shape.
 */
export class Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;

  constructor(dtype: DType, shape: readonly number[], data?: TensorData | readonly number[]) {
    const ArrayType = arrays[dtype];
    if (!ArrayType) throw new FiligreeError('invalid-argument', `Tensor: unknown dtype "${String(dtype)}"`);
    if (!Array.isArray(shape)) {
      throw new FiligreeError('invalid-argument', `Tensor: the shape must be an array of sizes; got ${String(shape)}`);
    }
    for (const d of shape) {
      if (!Number.isInteger(d) || d < 0) {
        throw new FiligreeError('invalid-argument', `Tensor: shape [${shape}] must hold non-negative integers`);
      }
    }
    const count = elementCount(shape);
    const values = data ?? new ArrayType(count);
    const typed = Array.isArray(values)
      ? dtype === 'int64'
        ? BigInt64Array.from(values, BigInt)
        : saturated(values as number[], dtype)
      : (values as TensorData);
    const stored =
      Array.isArray(values) && dtype !== 'int64' ? new (ArrayType as Float32ArrayConstructor)(typed as never) : typed;
    if (!(stored instanceof ArrayType)) {
      throw new FiligreeError(
        'invalid-argument',
        `Tensor: dtype ${dtype} wants a ${ArrayType.name}, got ${stored?.constructor?.name ?? typeof stored}`,
      );
    }
    if (stored.length !== count) {
      throw new FiligreeError(
        'invalid-argument',
        `Tensor: shape [${shape}] has ${count} elements, the data has ${stored.length}`,
      );
    }
    this.dtype = dtype;
    this.shape = [...shape];
    this.data = stored as TensorData;
  }
}
