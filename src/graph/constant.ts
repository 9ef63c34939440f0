// Constants of any dtype as float32 numbers.
import { halfToFloat } from '../formats/half.ts';
import type { DType, TensorData } from '../tensor.ts';

/** The numbers as float32; float32 data is returned as it is, not copied. */
export function asFloat32(dtype: DType, data: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, halfToFloat);
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  return new Float32Array(data as Int32Array);
}
