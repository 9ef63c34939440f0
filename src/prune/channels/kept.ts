// Measures the share of energy that groups of neighbours keep.
import type { Energies } from './energies.ts';

/**
 * The share of energy that is kept, as a mean over layers, when groups of `size` items are pruned to each layer's sparsity:
 * whole groups at a position, or all but the best `kept` items. Items in no full group are kept. @param order of the items
 */
export function keptShare(
  { count, positions, data, layers }: Energies,
  { size, kept }: { size: number; kept?: number },
  order: ArrayLike<number> = Int32Array.from({ length: count }, (_, i) => i),
): number {
  const groups = Math.floor(count / size);
  const energyAt = (thing: number, position: number) => data[order[thing] * positions + position];
  let [start, shares] = [0, 0];
  for (const { end, sparsity } of layers) {
    let [total, sum] = [0, 0];
    const blocks = new Float32Array(groups * (end - start));
    const group = new Float32Array(size);
    for (let position = start, at = 0; position < end; position++) {
      for (let g = 0; g < groups; g++, at++) {
        for (let i = 0; i < size; i++) group[i] = energyAt(g * size + i, position);
        blocks[at] = group.reduce((a, b) => a + b, 0);
        total += blocks[at];
        if (kept === undefined) continue;
        group.sort();
        for (let i = size - kept; i < size; i++) sum += group[i];
      }
      for (let thing = groups * size; thing < count; thing++) {
        total += energyAt(thing, position);
        sum += energyAt(thing, position);
      }
    }
    if (kept === undefined) {
      blocks.sort();
      for (let i = Math.round(sparsity * blocks.length); i < blocks.length; i++) sum += blocks[i];
    }
    shares += total > 0 ? sum / total : 1;
    start = end;
  }
  return shares / layers.length;
}
