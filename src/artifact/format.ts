// A saved program: a safetensors file.
//
//   u64 header length | JSON header, padded with spaces so that data starts at a multiple of 64 | tensors
//
// Tensors lie without holes (the safetensors rule). Widest elements come first, so that each tensor is aligned to its
// elements; then integers before floats, since integers are checked before anything is placed in memory. The header
// lists tensors by name; each is a part of one constant. `__metadata__` holds three strings: `format`, `version` and
// `program`, the JSON below.
import type { DType } from '../tensor.ts';

export const formatName = 'filigree';
export const formatVersion = 3;

/** JSON has no infinite numbers. */
export type JsonNumber = number | 'inf' | '-inf';

/** Factors of integer values. */
interface JsonScales {
  scales?: string;
  blocks?: string;
}

/** A buffer: a constant's parts by tensor name, or its numbers. */
export type JsonBuffer =
  | { arena: number; bytes: number }
  | { form: 'f32' | 'i32'; data: string }
  | { form: 'taps'; taps: number[] } // channels, kernel, stride, dilation (two each), channelBytes, phaseBytes, rowBytes
  | ({
      form: 'gemm';
      rows: number;
      columns: number;
      panel: number;
      values: string;
      bias?: string;
      winograd?: number;
    } & JsonScales)
  | ({
      form: 'spmm';
      rows: number;
      columns: number;
      group: number;
      block: number;
      counts: string;
      gaps: string;
      values: string;
      bias: string | null;
      taps: number;
    } & JsonScales)
  | {
      form: 'blocks';
      rows: number;
      columns: number;
      group: number;
      bits: number;
      counts: string | null;
      gaps: string | null;
      values: string;
      scales: string;
      bias: string;
      taps: number;
    }
  | {
      form: 'quantised';
      rows: number;
      columns: number;
      bits: number;
      counts: string | null;
      gaps: string | null;
      values: string;
      scales: string;
      bias: string | null;
    };

export interface JsonProgram {
  name: string;
  buffers: JsonBuffer[];
  arenaBytes: number;
  naiveArenaBytes: number;
  /** Kernel name, layer, then the record's fields in order; a pointer is two numbers: buffer and offset in bytes. */
  steps: [kernel: string, layer: number, ...fields: JsonNumber[]][];
  layers: { name: string; op: string; shape: number[]; macs: number; effectiveMacs: number; sparsity?: number }[];
  inputs: JsonEndpoint[];
  outputs: JsonEndpoint[];
  notes: string[];
  metadata: Record<string, unknown>;
}

export interface JsonEndpoint {
  name: string;
  dtype: DType;
  shape: number[];
  strides: number[];
  at: [buffer: number, offset: number];
  quantization?: { scale: number; zeroPoint: number };
  /** The axis of channels of an input in quads. */
  quads?: number;
}

/** safetensors dtype names of the arrays in programs. */
export const arrayTypes = {
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  U8: Uint8Array,
  I8: Int8Array,
};
export type ArrayTypeName = keyof typeof arrayTypes;
/** Types of the numbers that the checker reads. */
export const isInteger32 = (type: ArrayTypeName) => type === 'I32' || type === 'U32';
export type StoredArray = Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array | Int8Array;
