// Which weights live and die together. A pattern cuts a layer's weights into blocks; a mask keeps or removes whole blocks.
import type { Layer } from '../layers.ts';

/** How the weights of one layer are cut up. */
export interface Blocks {
  /** The block of each weight, row-major (rows, columns): 0 … count − 1. */
  readonly blockOf: Int32Array;
  readonly count: number;
  /**
   * N:M: sets of blocks of which just so many are kept each, the larger ones. Absent: any blocks of the layer may be kept.
   * A set that has fewer blocks than `kept` keeps all.
   */
  readonly sets?: { readonly setOf: Int32Array; readonly count: number; readonly kept: number };
}

export interface Pattern {
  /** As users write it: `unstructured`, `group4`, `2:4`, … */
  readonly name: string;
  /** The share of zeros that the pattern itself says (N:M), for all layers alike. */
  readonly sparsity?: number;
  /** Cuts up a layer. A string says why the pattern does not fit; such layers are pruned unstructured, and the report says so. */
  blocks(layer: Layer): Blocks | string;
}

/** 1 for each weight that is kept, 0 for each that is removed; row-major (rows, columns). */
export type Mask = Uint8Array;
