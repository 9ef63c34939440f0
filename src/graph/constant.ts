// Constants of any dtype as float32 numbers.
import type { DType, TensorData } from '../tensor.ts';

/** The numbers as float32; float32 data is returned as it is, not copied. */
export function asFloat32(dtype: DType, data: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, halfToFloat);
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  return new Float32Array(data as Int32Array);
}

/** The number that 16 bits of IEEE 754 half precision stand for. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
