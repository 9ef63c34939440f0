// The same sparsity in every layer.
import type { Layer } from '../layers.ts';

/** The sparsity of each layer by its name. */
export type Distribution = ReadonlyMap<string, number>;

/** @param sparsity the share of zeros over the weights of these layers, 0 … 1 */
export function uniform(layers: readonly Layer[], sparsity: number): Distribution {
  return new Map(layers.map(({ name }) => [name, sparsity]));
}
