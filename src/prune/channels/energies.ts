/** The items to group: `count` items with energies at `positions` positions each, (count, positions), row-major. */
export interface Energies {
  readonly count: number;
  readonly positions: number;
  readonly data: Float32Array;
  /** The layers that share the items: each is a range of positions that is pruned to its own sparsity. */
  readonly layers: readonly { readonly end: number; readonly sparsity: number }[];
}
