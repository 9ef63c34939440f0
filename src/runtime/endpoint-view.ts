// What callers see of an input or output in linear memory, and what copying to and from it takes.
import type { KernelNumbers } from '../program/kernels.ts';
import type { InputValues } from './endpoint.ts';

/** Where an input or output lies in linear memory. Valid until memory grows. */
export interface EndpointView {
  /** In bytes. */
  readonly address: number;
  /** Its values in place, row-major in the author's shape; undefined where they are padded or in another order. */
  readonly inPlace: Float32Array | undefined;
  /** A copy of its values, row-major. */
  read(): Float32Array;
  /** Writes row-major values; into an input in bytes also its dtype's integers. */
  write(values: InputValues): void;
  /** Of an input in bytes: writes planes of floats at address x, `plane` bytes apart; of one image and one plane of words. */
  roundPlanes?(x: number, plane: number): void;
}

/** The part of a Session that copying uses. */
export interface CopySession {
  scratch(bytes: number, purpose: string): Uint8Array;
  call<K extends 'f32_copy' | 'i8_from_bytes' | 'i8_from_f32'>(kernel: K, numbers: KernelNumbers<K>): void;
}
