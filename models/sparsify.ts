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
  for (let i = 0; i < weights.length; i++) energies[positionOf(i, columns, group)] += weights[i] * weights[i];
  const removed = energies.length - Math.round(density * energies.length);
  if (removed === 0) return;
  const sorted = energies.slice().sort();
  const limit = sorted[removed - 1];
  let ties = removed - sorted.indexOf(limit);
  for (let position = energies.length - 1; position >= 0; position--) {
    if (energies[position] < limit) energies[position] = -1;
    else if (energies[position] === limit && ties > 0) {
      energies[position] = -1;
      ties--;
    }
  }
  for (let i = 0; i < weights.length; i++) if (energies[positionOf(i, columns, group)] < 0) weights[i] = 0;
}

/** Which position of which group the weight at `index` has. */
function positionOf(index: number, columns: number, group: number): number {
  return Math.floor(index / (columns * group)) * columns + (index % columns);
}
