// Zeros by magnitude, on plain weight arrays.
import { FiligreeError } from '../src/errors.ts';
import { magnitudeScores } from '../src/prune/criteria/magnitude-scores.ts';
import { masked, select } from '../src/prune/patterns/masks.ts';
import type { Blocks } from '../src/prune/patterns/pattern.ts';
import { patternNamed } from '../src/prune/patterns/patterns.ts';

/** Weights that are zero together: each by itself, or those of 2 or 4 consecutive output channels at a position. */
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
 * a group) are zero. Rows beyond a multiple of the group are pruned separately. Of equal magnitudes the first stay.
 * @throws FiligreeError `invalid-argument` for an invalid target.
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
  const prune = (from: number, to: number, name: SparsityPattern) => {
    if (from === to) return;
    const shape = [to - from, columns, 1, 1] as const;
    const layer = { name, kind: 'linear', shape, rows: to - from, columns, groups: 1 } as const;
    const part = weights.subarray(from * columns, to * columns);
    const blocks = patternNamed(name).blocks(layer) as Blocks; // whole groups always fit
    const keep = Math.round(density * blocks.count);
    result.set(masked(part, select(magnitudeScores(part, blocks), blocks, keep)), from * columns);
  };
  prune(0, grouped, pattern);
  prune(grouped, rows, 'unstructured');
  return result;
}
