/** What is to be grouped: `count` things with energies at `positions` positions each, (count, positions), row-major. */
export interface Energies {
  readonly count: number;
  readonly positions: number;
  readonly data: Float32Array;
  /** Stretches of positions that are pruned each by themselves, to this share of zeros: the layers that share the things. */
  readonly layers: readonly { readonly end: number; readonly sparsity: number }[];
}
