// Integers that stand for real numbers: real = scale × (integer − zeroPoint).
import type { DType, TensorData } from './dtypes.ts';

/** A tensor's scale and zero point, as in ONNX and TFLite. */
export interface Quantisation {
  scale: number;
  zeroPoint: number;
}

/** The bytes of a value in an integer program: real = scale × (byte − zero), bytes from 0 to `most`; see program/quads.ts. */
export interface ByteGrid {
  readonly scale: number;
  readonly zero: number;
  readonly most: 127 | 255;
}

/** The byte nearest to a real number, ties to the even number of steps. NaN gives the least. */
export function byteOf(real: number, { scale, zero, most }: ByteGrid): number {
  const steps = real / scale;
  const down = Math.floor(steps);
  const nearest = steps - down === 0.5 ? down + (down & 1) : Math.round(steps);
  return Math.min(Math.max(nearest + zero, 0), most) || 0;
}

/** The real number that a byte stands for. */
export const realOf = (byte: number, { scale, zero }: ByteGrid): number => scale * (byte - zero);

/** A file's 8-bit integers as bytes: int8 is held plus 128. Undefined for other types, and for scales that are no scales. */
export function fileGrid(type: string, { scale, zeroPoint }: Quantisation): ByteGrid | undefined {
  const zero = type === 'int8' ? zeroPoint + 128 : type === 'uint8' ? zeroPoint : -1;
  if (!Number.isInteger(zero) || zero < 0 || zero > 255) return undefined;
  return scale > 0 && Number.isFinite(scale) ? { scale: Math.fround(scale), zero, most: 255 } : undefined;
}

/** The smallest and the largest integer of each dtype that may be quantised. */
export const integerRanges = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const satisfies Partial<Record<DType, readonly [number, number]>>;

export type QuantisedType = keyof typeof integerRanges;

/** Whether a dtype may be quantised. */
export function isQuantisedType(type: string): type is QuantisedType {
  return Object.hasOwn(integerRanges, type);
}

/** The real numbers that integers from `lowest` to `highest` stand for reach from `low` to `high`. */
export function representable(
  [lowest, highest]: readonly [number, number],
  { scale, zeroPoint }: Quantisation,
): { low: number; high: number } {
  const ends = [scale * (lowest - zeroPoint), scale * (highest - zeroPoint)];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** The real numbers that an input or output can hold. Undefined when it is not quantised. */
export function representableBy({ dtype, quantization }: { dtype: DType; quantization?: Quantisation }) {
  return quantization && isQuantisedType(dtype) ? representable(integerRanges[dtype], quantization) : undefined;
}

/** The real numbers that integers stand for. A plain loop: `Float32Array.from` with a function takes 35 times as long (Node 20). */
export function dequantise(
  integers: Exclude<TensorData, BigInt64Array>,
  { scale, zeroPoint }: Quantisation,
): Float32Array {
  const count = integers.length;
  const reals = new Float32Array(count);
  for (let i = 0; i < count; i++) reals[i] = scale * (integers[i] - zeroPoint);
  return reals;
}

/** Real numbers saturated to the range of a quantised input. */
export function saturate(reals: Float32Array, { low, high }: { low: number; high: number }): Float32Array {
  const count = reals.length;
  const inside = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const v = reals[i];
    inside[i] = v < low ? low : v > high ? high : v;
  }
  return inside;
}
