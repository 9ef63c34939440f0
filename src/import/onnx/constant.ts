// Constants while a file is translated: weights, and the shapes and indices that exporters compute from other shapes.
import type { Shape } from '../../graph/graph.ts';
import { integerRanges as portRanges } from '../../quantisation.ts';
import type { ElementType } from './schema.ts';

export type Numbers = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array;

/** A row-major tensor whose numbers are known. 64-bit integers are stored as f64, which is exact up to 2⁵³: enough for sizes and indices. */
export interface OnnxConstant {
  type: ElementType;
  shape: Shape;
  data: Numbers;
}

const arrays = {
  float32: Float32Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  float64: Float64Array,
  int64: Float64Array,
  uint64: Float64Array,
  uint32: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int4: Int8Array,
  uint4: Uint8Array,
  bool: Uint8Array,
} as const;

export type NumericType = keyof typeof arrays;

export function isNumeric(type: ElementType): type is NumericType {
  return Object.hasOwn(arrays, type);
}

/** An array of `count` zeros of a type. */
export function emptyNumbers(type: NumericType, count: number): Numbers {
  return new arrays[type](count);
}

export const floatTypes: readonly ElementType[] = ['float32', 'float16', 'bfloat16', 'float64'];

/** The lowest and highest integer of a quantised type. */
export const integerRanges: Partial<Record<ElementType, readonly [number, number]>> = {
  int4: [-8, 7],
  uint4: [0, 15],
  ...portRanges,
};

export function asFloats({ data }: OnnxConstant): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

export function int64s(numbers: readonly number[], shape: Shape = [numbers.length]): OnnxConstant {
  return { type: 'int64', shape, data: Float64Array.from(numbers) };
}

export function float32s(shape: Shape, data: Float32Array): OnnxConstant {
  return { type: 'float32', shape, data };
}
