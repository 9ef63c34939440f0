// A program: a flat list of kernel records over a planned memory. Models compile to programs, artifacts hold them
// (src/artifact/), and the runtime checks them, expands them into linear memory and runs them (src/runtime/).
import type { DType } from '../tensor.ts';
import type { KernelName } from './kernels.ts';
import type { Panel, WinogradTile } from './tiles.ts';

/** A position in one of the program's buffers, `offset` bytes from its start. */
export interface Pointer {
  readonly buffer: number;
  readonly offset: number;
}

/**
 * How an input plane is read: entry i of the table is the byte offset, within the input, of the pixel that position i
 * of a weight row multiplies. Position i = (channel · kernelHeight + ky) · kernelWidth + kx.
 */
export interface TapTable {
  channels: number;
  kernel: readonly [height: number, width: number];
  stride: readonly [height: number, width: number];
  dilation: readonly [height: number, width: number];
  /** Bytes from one channel to the next (all its phases), one phase to the next, one row to the next. */
  channelBytes: number;
  phaseBytes: number;
  rowBytes: number;
}

/** A constant's numbers that are still in the model's file, at byte `from`. */
export interface Unread {
  readonly from: number;
  readonly length: number;
  readonly byteLength: number;
  readonly BYTES_PER_ELEMENT: number;
}

/** Floats as saved: f32 or f16 bits. */
export type WeightData = Float32Array | Uint16Array | Unread;

/**
 * A matrix's values as saved: floats, or integers as src/compile/rounding.ts draws them, of 8 bits each (Int8Array) or
 * two per byte (Uint8Array).
 */
export type MatrixData = WeightData | Int8Array | Uint8Array;

/** Factors of integer values. Weight i of a matrix's values, in row r, is values[i] · blocks[i >> 4] · scales[r]. */
export interface Scales {
  /** One per row; absent for floats. */
  scales?: WeightData;
  /** One per 16 consecutive 4-bit values, 1 … 255; absent for others. */
  blocks?: Uint8Array | Unread;
}

/** Read-only data of a program in compact form, expanded into linear memory when the program is loaded. */
export type Constant =
  | { form: 'f32'; data: WeightData }
  | { form: 'i32'; data: Int32Array }
  /** A table of byte offsets; see TapTable. */
  | { form: 'taps'; taps: TapTable }
  /**
   * Dense (rows, columns) weights with their biases, in panels of 4 rows as assembly/gemm/index.ts draws them, or of 28
   * as assembly/linear/index.ts does. Integer panels have zeros in place of biases, which are stored apart.
   */
  | ({
      form: 'gemm';
      rows: number;
      columns: number;
      panel: Panel;
      values: MatrixData;
      bias?: WeightData;
      /** Weights (rows, columns / 9, 3, 3) are expanded for tiles of so many outputs, as assembly/winograd/index.ts draws them. */
      winograd?: WinogradTile;
      /** Panels of 4 rows are expanded to panels of 6. Set by the loader, for its engine. */
      wide?: boolean;
    } & Scales)
  /**
   * Sparse (rows, columns) weights: `group` consecutive rows share positions; rows beyond a multiple of `group` stand
   * alone. Saved as src/lower/pack.ts draws it, expanded as assembly/spmm/index.ts draws it.
   */
  | ({
      form: 'spmm';
      rows: number;
      columns: number;
      group: number;
      /** Columns that kernels over planes sum at a time, at most; 0 for linear kernels, which read rows in order. */
      block: number;
      counts: Uint32Array;
      gaps: Uint8Array | Unread;
      values: MatrixData;
      bias: WeightData | null;
      /** The buffer with the tap table that turns columns into byte offsets. */
      taps: number;
    } & Scales)
  /**
   * Weights of bytes for values in quads (quads.ts): each of `columns` is a word of four inputs, and `group` consecutive rows
   * share the columns that they keep. All rows are filled up with zeros to a multiple of 4. Saved as src/lower/blocks.ts draws
   * it, expanded as assembly/dots/index.ts draws it.
   */
  | {
      form: 'blocks';
      rows: number;
      columns: number;
      group: number;
      /** Of inputs: 0…127 or 0…255. */
      bits: 7 | 8;
      /** Kept columns of each group of rows, and their gaps; null when all are kept. */
      counts: Uint32Array | null;
      gaps: Uint8Array | Unread | null;
      values: Int8Array | Unread;
      /** One for each row, those of the filling included. */
      scales: Float32Array | Unread;
      bias: Int32Array | Unread;
      /** The buffer with the tap table that turns columns into byte offsets. */
      taps: number;
    }
  /**
   * (rows, columns) weights in 8-bit integers with a scale per row, or in 4-bit integers with a scale per group of 16
   * columns. Saved as src/lower/quantise.ts draws it, expanded as assembly/linear/quantised.ts draws it.
   */
  | {
      form: 'quantised';
      rows: number;
      columns: number;
      bits: 4 | 8;
      /** Number of kept groups of each row, and their gaps; null when all are kept. */
      counts: Uint32Array | null;
      gaps: Uint8Array | Unread | null;
      values: Uint8Array | Unread;
      scales: WeightData;
      bias: WeightData | null;
    };

export type Buffer =
  /** Part of the activations' arena: bytes from its start. Buffers whose lifetimes do not overlap may share memory. */
  { kind: 'arena'; offset: number; bytes: number } | { kind: 'constant'; constant: Constant };

/** One kernel record without addresses: arguments by field name, pointers as Pointer. */
export interface Step {
  kernel: KernelName;
  /** Index into `layers`: the layer that the step belongs to. */
  layer: number;
  arguments: Record<string, number | Pointer>;
}

/** A node of the graph, for profiles and reports. */
export interface ProgramLayer {
  name: string;
  op: string;
  shape: readonly number[];
  macs: number;
  effectiveMacs: number;
  /** Zeros over all weights, 0…1; undefined for layers without weights. */
  sparsity?: number;
}

/** Where a caller's tensor lies, and how its axes map to memory; see Port in graph/graph.ts. */
export interface Endpoint {
  name: string;
  dtype: DType;
  /** The author's shape and, for each of its axes, the stride in floats in memory. */
  shape: readonly number[];
  strides: readonly number[];
  at: Pointer;
  quantization?: { scale: number; zeroPoint: number };
  /**
   * Of an input of int8 or uint8 that is stored in quads (quads.ts): the axis of its channels, (N, H, W, C) or (N, C, H, W).
   * Strides are in words, that of the channels from one plane of four to the next.
   */
  quads?: 1 | 3;
}

export interface Program {
  name: string;
  buffers: Buffer[];
  arenaBytes: number;
  steps: Step[];
  layers: ProgramLayer[];
  inputs: Endpoint[];
  outputs: Endpoint[];
  /** Bytes that activations would need without sharing, for the report. */
  naiveArenaBytes: number;
  notes: string[];
  metadata: Record<string, unknown>;
}
