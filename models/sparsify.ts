// Zeros by magnitude, on plain weight arrays.
import { FiligreeError } from '../src/errors.ts';

/** Which weights must be zero together: each by itself, or those of 2 or 4 consecutive output channels at a position. */
export const sparsityPatterns = { unstructured: 1, group2: 2, group4: 4 } as const;

export type SparsityPattern = keyof typeof sparsityPatterns;

export interface SparsityTarget {
  /** Share of zeros, 0…1. Give this or `density`. */
  sparsity?: number;
  /** Share of weights that are kept: 1 − sparsity. */
  density?: number;
  /** Default `unstructured`. */
  pattern?: SparsityPattern;
}

/** The share of weights that a target keeps. @throws FiligreeError `invalid-argument` */
export function densityOf({ sparsity, density }: SparsityTarget): number {
  if ((sparsity === undefined) === (density === undefined)) {
    throw new FiligreeError('invalid-argument', 'give either sparsity or density');
  }
  const kept = density ?? 1 - sparsity!;
  if (!(kept >= 0 && kept <= 1)) {
    throw new FiligreeError(
      'invalid-argument',
      `sparsity and density run from 0 to 1, got ${JSON.stringify({ sparsity, density })}`,
    );
  }
  return kept;
}

/**
 * A copy of (rows, columns) weights, row-major, in which the positions of least magnitude (root of the summed squares of
 * a group) are zero. Rows beyond a multiple of the group are pruned each by itself. Of equal magnitudes the first stay.
 * @throws FiligreeError `invalid-argument` for a target that is none.
 */
export function sparsify(weights: Float32Array, rows: number, target: SparsityTarget): Float32Array {
  const density = densityOf(target);
  const pattern = target.pattern ?? 'unstructured';
  if (!Object.hasOwn(sparsityPatterns, pattern)) {
    const known = Object.keys(sparsityPatterns).join(', ');
    throw new FiligreeError('invalid-argument', `unknown sparsity pattern "${pattern}"; patterns are ${known}`);
  }
  const group = sparsityPatterns[pattern];
  const columns = weights.length / rows;
  const grouped = rows - (rows % group);
  const result = weights.slice();
  prune(result.subarray(0, grouped * columns), columns, group, density);
  prune(result.subarray(grouped * columns), columns, 1, density);
  return result;
}

/** Prunes groups of rows in place. */
function prune(weights: Float32Array, columns: number, group: number, density: number): void {
  const energies = new Float32Array(weights.length / group);
  for (let first = 0; first < energies.length; first += columns) {
    for (let i = 0; i < group; i++) {
      const row = first * group + i * columns;
      for (let column = 0; column < columns; column++) energies[first + column] += weights[row + column] ** 2;
    }
  }
  const removed = energies.length - Math.round(density * energies.length);
  if (removed === 0) return;
  const { limit, below } = smallest(energies, removed);
  let ties = removed - below;
  for (let first = energies.length - columns; first >= 0; first -= columns) {
    for (let column = columns - 1; column >= 0; column--) {
      const energy = energies[first + column];
      if (energy > limit || (energy === limit && ties-- <= 0)) continue;
      for (let i = 0; i < group; i++) weights[first * group + i * columns + column] = 0;
    }
  }
}

/**
 * The `count`-th smallest of non-negative numbers, and how many are below it. Their bits order as they do: the upper half
 * of the bits is looked for first, then the lower half among those that share the upper one.
 */
function smallest(numbers: Float32Array, count: number): { limit: number; below: number } {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const find = (places: Uint32Array, before: number): { place: number; before: number } => {
    for (let place = 0; ; place++) {
      if (before + places[place] >= count) return { place, before };
      before += places[place];
    }
  };
  const upper = new Uint32Array(1 << 16);
  for (const b of bits) upper[b >>> 16]++;
  const { place: high, before } = find(upper, 0);
  const lower = new Uint32Array(1 << 16);
  for (const b of bits) if (b >>> 16 === high) lower[b & 0xffff]++;
  const { place: low, before: below } = find(lower, before);
  return { limit: new Float32Array(Uint32Array.of((high << 16) | low).buffer)[0], below };
}
