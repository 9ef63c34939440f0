// Prunes one layer by the second-order criterion to many sparsities at the price of few. All share an inverse; when more
// weights stay than go, it solves for those that go.
import type { LinearAlgebra } from '../../linear-algebra.ts';
import type { Damped } from '../../criteria/least-squares.ts';
import { damped, inverseOf, leastSquares } from '../../criteria/least-squares.ts';
import { magnitudeScores } from '../../criteria/magnitude-scores.ts';
import { masked, select } from '../../patterns/masks.ts';
import type { Blocks, Mask } from '../../patterns/pattern.ts';
import type { Quadratic } from '../../criteria/quadratic.ts';
import { rowWeights, strideOf } from '../../criteria/quadratic.ts';
import type { LayerProblem, Reconstruction } from '../../criteria/reconstruct.ts';
import { defaultRidge, errors, finish, total, withQuadratics } from '../../criteria/reconstruct.ts';

/**
 * The result of `secondOrder` for each number of blocks to keep, except that it tries no blocks other than its own choice and
 * the largest ones unchanged.
 * @throws FiligreeError `invalid-model` when weights are not finite
 */
export async function secondOrderLadder(
  problem: LayerProblem & { readonly blocks: Blocks },
  keeps: readonly number[],
): Promise<Reconstruction[]> {
  const { layer, weights, blocks, ridge = defaultRidge(problem.statistics) } = problem;
  return withQuadratics(problem, (algebra, quadratics) => {
    const systems = quadratics.map((quadratic) => solved(algebra, quadratic, damped(algebra, quadratic, ridge)));
    const scores = surgeonScores(algebra, quadratics, systems, blocks);
    const magnitudes = magnitudeScores(weights, blocks);
    const size = weights.length / quadratics.length;
    return keeps.map((keep) => {
      const mask = select(scores, blocks, keep);
      const fitted = new Float32Array(weights.length);
      quadratics.forEach((quadratic, g) => {
        const part = mask.subarray(g * size, (g + 1) * size);
        fitted.set(constrained(algebra, quadratic, systems[g], part), g * size);
      });
      const plain = select(magnitudes, blocks, keep);
      const candidates = [
        { weights: fitted, mask },
        { weights: masked(weights, plain), mask: plain },
      ].map((candidate) => ({ ...candidate, errors: errors(algebra, quadratics, candidate.weights) }));
      const [ours, theirs] = candidates;
      return finish(layer, problem, quadratics, total(ours.errors) <= total(theirs.errors) ? ours : theirs);
    });
  });
}

/** A damped system with its inverse (n, n) and the weights (rows, n) that are best when none are removed. */
interface Solved extends Damped {
  readonly inverse: number;
  readonly diagonal: Float64Array;
  readonly best: number;
}

function solved(algebra: LinearAlgebra, { rows, n, stride }: Quadratic, system: Damped): Solved {
  const best = algebra.doubles(rows * stride);
  const { at: inverse, diagonal } = inverseOf(algebra, { rows, n, stride } as Quadratic, system);
  algebra.run.dots(rows, n, n, system.target, stride, inverse, stride, best, stride, 0, 1);
  return { ...system, inverse, diagonal, best };
}

/** For each block, the cost of removing its weights, one weight at a time. Rows are weighted as in admm.ts. */
function surgeonScores(
  algebra: LinearAlgebra,
  quadratics: readonly Quadratic[],
  systems: readonly Solved[],
  { blockOf, count }: Blocks,
): Float32Array {
  const scores = new Float64Array(count);
  const sizes = new Int32Array(count);
  let at = 0;
  const counts = rowWeights(quadratics);
  quadratics.forEach(({ rows, n, stride }, g) => {
    const { best, diagonal } = systems[g];
    const w = algebra.float64(best, rows * stride);
    for (let r = 0; r < rows; r++) {
      for (let i = 0; i < n; i++) {
        const block = blockOf[at++];
        scores[block] += (counts[g][r] * w[r * stride + i] ** 2) / diagonal[i];
        sizes[block]++;
      }
    }
  });
  return Float32Array.from(scores, (score, block) => score / Math.max(1, sizes[block]));
}

/**
 * The best weights (rows, n) that are 0 where the mask removes them. With R removed, ŵ = w* − P[:, R] P[R, R]⁻¹ w*[R], where
 * P is the inverse and w* the best weights without removal.
 */
function constrained(algebra: LinearAlgebra, quadratic: Quadratic, system: Solved, mask: Mask): Float32Array {
  const { rows, n, stride } = quadratic;
  let kept = 0;
  for (const one of mask) kept += one;
  if (2 * kept < mask.length) return leastSquares(algebra, quadratic, system, mask);
  const result = new Float32Array(rows * n);
  for (let r = 0; r < rows; r++) {
    const removed: number[] = [];
    for (let i = 0; i < n; i++) if (!mask[r * n + i]) removed.push(i);
    algebra.scope(() => {
      const s = removed.length;
      const ld = strideOf(s);
      const a = algebra.doubles(s * ld);
      const b = algebra.doubles(ld);
      const at = algebra.floats(s);
      algebra.uint32(at, s).set(removed);
      algebra.run.lower_part(system.inverse, stride, at, s, a, ld);
      if (algebra.run.cholesky(a, s, ld, 0) !== 0) throw new Error('the inverse is not positive definite');
      const row = algebra.float64(system.best, rows * stride).slice(r * stride, r * stride + n);
      const z = algebra.float64(b, s);
      removed.forEach((i, j) => (z[j] = row[i]));
      algebra.run.solve(a, s, ld, b, 1, ld);
      const inverse = algebra.float64(system.inverse, n * stride);
      removed.forEach((i, j) => {
        const factor = z[j];
        for (let k = 0; k < n; k++) row[k] -= factor * inverse[i * stride + k];
      });
      result.set(row, r * n);
      for (const i of removed) result[r * n + i] = 0;
    });
  }
  return result;
}
