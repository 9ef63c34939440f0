// Chooses how far to trust calibration images, by the error on held-out images.
import type { LinearAlgebra } from '../linear-algebra.ts';
import { damped, leastSquares } from './least-squares.ts';
import { errorsOf, quadraticOf } from './quadratic.ts';
import type { GroupStatistics, LayerStatistics } from '../statistics/statistics.ts';
import { withoutHeld } from '../statistics/statistics.ts';

/** Settings that keep a fit from following accidents of few images. */
export interface Regularisation {
  /** Strength of the pull to the dense weights, relative to their inputs' variances. */
  readonly ridge: number;
  /**
   * How far outputs follow the dense network's. With 1, weights also compensate for errors of earlier layers; with 0, only
   * for the removed weights.
   */
  readonly follow: number;
}

const ridges = [0.01, 0.05, 0.2, 1];
const follows = [1, 0.7, 0.4, 0.2, 0];

/** Rows to try; rows agree well enough. */
const maxRows = 24;

/** 3 n / count: fewer samples for each of the n weights of a row are trusted less. */
export function defaultRidge({ groups: [{ n, count }] }: LayerStatistics): number {
  return Math.min(3, Math.max(0.01, (3 * n) / Math.max(count, 1)));
}

/**
 * Tries settings, fitted under `mask` to all but every fourth photo, and returns the one with the least error on those. If no
 * photos are held out: trusts samples little when they are as many as the weights, and much when they are many more.
 * @param weights (rows, columns) of the dense network
 */
export function regularisationFor(
  algebra: LinearAlgebra,
  weights: Float32Array,
  statistics: LayerStatistics,
  mask: Uint8Array,
): Regularisation {
  const { groups } = statistics;
  const [{ n, held }] = groups;
  if (!held) return { ridge: defaultRidge(statistics), follow: 1 };
  const same = groups.every(({ gram, dense }) => gram === dense);
  const settings = ridges.flatMap((ridge) => (same ? [1] : follows).map((follow) => ({ ridge, follow })));
  const errors = settings.map(() => 0);
  const rows = weights.length / n / groups.length;
  const stepGroups = Math.max(1, Math.ceil((groups.length * Math.min(rows, maxRows)) / maxRows));
  for (let g = 0; g < groups.length; g += stepGroups) {
    const part = someRows(weights, mask, n, g * rows, rows);
    tryOut(algebra, part, groups[g], settings).forEach((error, i) => (errors[i] += error));
  }
  return settings[errors.indexOf(Math.min(...errors))] ?? settings[0];
}

function someRows(weights: Float32Array, mask: Uint8Array, n: number, first: number, rows: number) {
  const count = Math.min(rows, maxRows);
  const part = { weights: new Float32Array(count * n), mask: new Uint8Array(count * n) };
  for (let k = 0; k < count; k++) {
    const row = first + Math.floor((k * rows) / count);
    part.weights.set(weights.subarray(row * n, (row + 1) * n), k * n);
    part.mask.set(mask.subarray(row * n, (row + 1) * n), k * n);
  }
  return part;
}

/** The error of each setting on the held-out samples. */
function tryOut(
  algebra: LinearAlgebra,
  { weights, mask }: { weights: Float32Array; mask: Uint8Array },
  all: GroupStatistics,
  settings: readonly Regularisation[],
): number[] {
  return algebra.scope(() => {
    const seen = quadraticOf(algebra, weights, withoutHeld(all, all.held!));
    const unseen = quadraticOf(algebra, weights, all.held!);
    return settings.map((setting) =>
      algebra.scope(() => {
        const fitted = leastSquares(algebra, seen, damped(algebra, seen, setting.ridge, setting.follow), mask);
        return errorsOf(algebra, unseen, fitted).reduce((sum, error) => sum + error, 0);
      }),
    );
  });
}
