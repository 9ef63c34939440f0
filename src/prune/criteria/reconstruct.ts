// Second-order pruning of one layer: chooses the weights to remove, and values of the others that compensate for them.
//
// A layer's error on calibration images, with its inputs in the dense network (x) and in the pruned one (x̂), is quadratic in
// its weights (quadratic.ts). The cost of removing weights, and the best values of the others, follow from the inverse of its
// matrix (LeCun et al., Optimal Brain Damage; Hassibi and Stork, Optimal Brain Surgeon).
import { FiligreeError } from '../../errors.ts';
import { alternate } from './admm.ts';
import { LinearAlgebra } from '../linear-algebra.ts';
import type { Layer } from '../layers.ts';
import type { Damped } from './least-squares.ts';
import { damped, leastSquares } from './least-squares.ts';
import { magnitudeScores } from './magnitude-scores.ts';
import { masked, select } from '../patterns/masks.ts';
import type { Blocks, Mask } from '../patterns/pattern.ts';
import { errorsOf, quadraticOf } from './quadratic.ts';
import type { Quadratic } from './quadratic.ts';
import type { GroupStatistics, LayerStatistics } from '../statistics/statistics.ts';
import { regularisationFor } from './regularise.ts';

export interface LayerProblem {
  readonly layer: Layer;
  /** (rows, columns) of the dense network. */
  readonly weights: Float32Array;
  readonly statistics: LayerStatistics;
  /** Strength of the pull to the dense weights, relative to the mean variance of the inputs. Default: chosen on held-out photos. */
  readonly ridge?: number;
}

export interface Reconstruction {
  /** (rows, columns), 0 where removed. */
  weights: Float32Array;
  mask: Mask;
  /** (rows): an addition to the layer's biases that preserves the means of its outputs. */
  biasShift: Float32Array;
  /** ‖W x − Ŵ x̂‖² / ‖W x‖² over the calibration images, means left out: 0 … about 1. */
  error: number;
}

/**
 * Chooses the `keep` blocks to keep (in sets: the number of each set), and the values of their weights, so that removal of
 * the others costs least. On the calibration images its error is never above that of keeping the blocks of largest magnitude
 * unchanged with corrected biases: if it would be, that is the result.
 * @throws FiligreeError `invalid-model` when weights are not finite
 */
export async function secondOrder(
  problem: LayerProblem & { readonly blocks: Blocks; readonly keep: number; readonly seed?: number },
): Promise<Reconstruction> {
  const { layer, weights, blocks, keep } = problem;
  return withQuadratics(problem, (algebra, quadratics) => {
    const plain = select(magnitudeScores(weights, blocks), blocks, keep);
    const systems = systemsOf(algebra, problem, quadratics, plain);
    const candidate = (values: Float32Array, mask: Mask) => {
      return { weights: values, mask, errors: errors(algebra, quadratics, values) };
    };
    const fitted = (mask: Mask) => candidate(fit(algebra, quadratics, systems, mask), mask);
    const kept = candidate(masked(weights, plain), plain);
    let best = fitted(alternate(algebra, quadratics, systems, blocks, keep, weights));
    if (total(best.errors) > total(kept.errors)) best = fitted(plain);
    if (total(best.errors) > total(kept.errors)) best = kept;
    return finish(layer, problem, quadratics, best);
  });
}

/**
 * The best values of the weights that a mask keeps. On the calibration images the error of each row is never above that of
 * the dense weights under this mask with corrected biases.
 */
export async function reconstruct(problem: LayerProblem & { readonly mask: Mask }): Promise<Reconstruction> {
  const { layer, weights, mask } = problem;
  return withQuadratics(problem, (algebra, quadratics) => {
    const systems = systemsOf(algebra, problem, quadratics, mask);
    const fitted = fit(algebra, quadratics, systems, mask);
    const kept = masked(weights, mask);
    const [ours, theirs] = [fitted, kept].map((values) => errors(algebra, quadratics, values));
    for (let r = 0; r < layer.rows; r++) {
      if (ours[r] <= theirs[r]) continue;
      const [from, to] = [r * layer.columns, (r + 1) * layer.columns];
      fitted.set(kept.subarray(from, to), from);
      ours[r] = theirs[r];
    }
    return finish(layer, problem, quadratics, { weights: fitted, mask, errors: ours });
  });
}

/**
 * ‖W x − Ŵ x̂‖² / ‖W x‖² over the calibration images, without means, because biases correct those.
 * @param weights (rows, columns), pruned or changed in any way
 * @param dense weights of the dense network
 */
export async function layerError(
  layer: Layer,
  weights: Float32Array,
  statistics: LayerStatistics,
  dense: Float32Array,
): Promise<number> {
  return withQuadratics({ layer, weights: dense, statistics }, (algebra, quadratics) =>
    relative(errors(algebra, quadratics, weights), quadratics),
  );
}

/** (rows): the shift of biases that preserves the means of a layer's outputs with new weights: W x̄ − Ŵ x̂̄. */
export function biasShiftOf(
  layer: Layer,
  weights: Float32Array,
  { groups }: LayerStatistics,
  dense: Float32Array,
): Float32Array {
  const { rows, columns } = layer;
  return Float32Array.from({ length: rows }, (_, r) => {
    const { mean, denseMean } = groups[Math.floor((r * groups.length) / rows)];
    let shift = 0;
    for (let i = 0; i < columns; i++) {
      shift += dense[r * columns + i] * denseMean[i] - weights[r * columns + i] * mean[i];
    }
    return shift;
  });
}

export { defaultRidge } from './regularise.ts';

let shared: Promise<LinearAlgebra> | undefined;

/** Lays out the quadratic of each group, and frees it afterwards. @throws FiligreeError naming the layer */
export async function withQuadratics<T>(
  { layer, weights, statistics }: Pick<LayerProblem, 'layer' | 'weights' | 'statistics'>,
  use: (algebra: LinearAlgebra, quadratics: Quadratic[]) => T,
): Promise<T> {
  checkFinite(layer, weights, statistics.groups);
  const algebra = await (shared ??= LinearAlgebra.open());
  return algebra.scope(() => {
    const size = weights.length / statistics.groups.length;
    const quadratics = statistics.groups.map((group, g) =>
      quadraticOf(algebra, weights.subarray(g * size, (g + 1) * size), group),
    );
    return use(algebra, quadratics);
  });
}

function checkFinite({ name }: Layer, weights: Float32Array, groups: readonly GroupStatistics[]): void {
  const bad = weights.findIndex((w) => !Number.isFinite(w));
  if (bad >= 0) {
    throw new FiligreeError('invalid-model', `layer "${name}": weight ${bad} is ${weights[bad]}: nothing to prune by`);
  }
  const fine = groups.every(({ n, gram, dense }) =>
    [gram, dense].every((matrix) => {
      for (let i = 0; i < n; i++) if (!Number.isFinite(matrix[i * n + i])) return false;
      return true;
    }),
  );
  if (fine) return;
  throw new FiligreeError('invalid-argument', `layer "${name}": its inputs are too large, or not finite`);
}

function systemsOf(
  algebra: LinearAlgebra,
  { weights, statistics, ridge: given }: LayerProblem,
  quadratics: readonly Quadratic[],
  mask: Mask,
): Damped[] {
  const { ridge, follow } =
    given === undefined ? regularisationFor(algebra, weights, statistics, mask) : { ridge: given, follow: 1 };
  return quadratics.map((quadratic) => damped(algebra, quadratic, ridge, follow));
}

function fit(
  algebra: LinearAlgebra,
  quadratics: readonly Quadratic[],
  systems: readonly Damped[],
  mask: Mask,
): Float32Array {
  const result = new Float32Array(mask.length);
  const size = mask.length / quadratics.length;
  quadratics.forEach((quadratic, g) => {
    const part = mask.subarray(g * size, (g + 1) * size);
    result.set(leastSquares(algebra, quadratic, systems[g], part), g * size);
  });
  return result;
}

/** The error of each row. */
export function errors(algebra: LinearAlgebra, quadratics: readonly Quadratic[], weights: Float32Array): Float64Array {
  const size = weights.length / quadratics.length;
  const rows = quadratics[0].rows;
  const result = new Float64Array(rows * quadratics.length);
  quadratics.forEach((quadratic, g) => {
    result.set(errorsOf(algebra, quadratic, weights.subarray(g * size, (g + 1) * size)), g * rows);
  });
  return result;
}

/** Errors of rows relative to the variance of the dense rows' outputs. */
export function relative(of: Float64Array, quadratics: readonly Quadratic[]): number {
  const power = quadratics.reduce((sum, quadratic) => sum + total(quadratic.power), 0);
  return power > 0 ? total(of) / power : 0;
}

export function total(numbers: Float64Array): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}

export function finish(
  layer: Layer,
  { weights: dense, statistics }: LayerProblem,
  quadratics: readonly Quadratic[],
  { weights, mask, errors: of }: { weights: Float32Array; mask: Mask; errors: Float64Array },
): Reconstruction {
  const biasShift = biasShiftOf(layer, weights, statistics, dense);
  return { weights, mask, biasShift, error: relative(of, quadratics) };
}
