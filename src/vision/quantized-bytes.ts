// How a photo's bytes become a quantised model's input.
import { same } from './classifier-metadata.ts';
import type { TensorDescription } from './fields.ts';
import type { Preprocessing } from './preprocessing.ts';

export interface QuantizedDescription extends TensorDescription {
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

/** Whether an input takes a photo's bytes as they are: integers that stand for nothing else. */
export function takesBytes({ dtype, quantization }: QuantizedDescription): boolean {
  return dtype !== 'float32' && dtype !== 'float16' && !quantization;
}

/**
 * Scale and offset of a quantised input: uint8 takes a photo's bytes as they are, int8 takes them minus 128 (TFLite's
 * convention). Undefined for other inputs.
 */
export function quantizedBytes({
  dtype,
  quantization,
}: QuantizedDescription): Pick<Preprocessing, 'scale' | 'offset'> | undefined {
  if (!quantization || (dtype !== 'uint8' && dtype !== 'int8')) return undefined;
  const { scale, zeroPoint } = quantization;
  return same(scale, -scale * (zeroPoint + (dtype === 'int8' ? 128 : 0)));
}
