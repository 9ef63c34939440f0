// A pattern cuts a layer's weights into blocks, whose weights are kept or removed together. A mask keeps or removes whole blocks.
import type { Layer } from '../layers.ts';

/** The blocks of one layer's weights. */
export interface Blocks {
  /** The block of each weight, row-major (rows, columns): 0 … count − 1. */
  readonly blockOf: Int32Array;
  readonly count: number;
  /**
   * N:M: sets of blocks. Each set keeps exactly `kept` blocks, those with the highest scores, or all if it has fewer. Absent:
   * any blocks of the layer may be kept.
   */
  readonly sets?: { readonly setOf: Int32Array; readonly count: number; readonly kept: number };
}

export interface Pattern {
  /** The name that users write: `unstructured`, `group4`, `2:4`, … */
  readonly name: string;
  /** The sparsity that the pattern itself determines (N:M), equal for all layers. */
  readonly sparsity?: number;
  /** Cuts up a layer. A string says why the pattern does not fit: such layers are pruned unstructured, which the report notes. */
  blocks(layer: Layer): Blocks | string;
}

/** 1 for each weight that is kept, 0 for each that is removed; row-major (rows, columns). */
export type Mask = Uint8Array;
