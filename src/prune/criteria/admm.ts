// Chooses the blocks to keep by alternating directions: it draws together weights that fit best, and weights of which only a
// given number of blocks is kept (Meng et al. 2024, ALPS; Boyd et al. 2011, ADMM).
import type { LinearAlgebra } from '../linear-algebra.ts';
import type { Damped } from './least-squares.ts';
import { select } from '../patterns/masks.ts';
import type { Blocks, Mask } from '../patterns/pattern.ts';
import type { Quadratic } from './quadratic.ts';
import { rowWeights } from './quadratic.ts';

/** How strongly the two are drawn together in each round of `steps` steps, relative to the inputs' variances. */
export const penalties = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2];
export const steps = 4;

/** One group in coordinates where all inputs have variance 1 and all rows' errors count equally: ŵ · rowScale / scale, not ŵ. */
interface Scaled {
  readonly rowScale: Float64Array;
  readonly scale: Float64Array;
  readonly target: Float32Array;
  /** Rows padded for matmul. */
  readonly padded: number;
  readonly columns: number;
}

/**
 * Against keeping the blocks of the highest surgeon scores (search/ladder.ts), errors after least squares are 25 % lower at 50 % of
 * zeros and 30 to 34 % at 70 % (MobileNetV1, unstructured), for some seconds more on the largest layers.
 * @param start (rows, columns) of the layer: initial weights
 * @returns the blocks with the most weight when both agree
 */
export function alternate(
  algebra: LinearAlgebra,
  quadratics: readonly Quadratic[],
  systems: readonly Damped[],
  blocks: Blocks,
  keep: number,
  start: Float32Array,
): Mask {
  if (!blocks.sets && keep >= blocks.count) return new Uint8Array(blocks.blockOf.length).fill(1);
  const size = start.length / quadratics.length;
  const counts = rowWeights(quadratics);
  const parts = quadratics.map((quadratic, g) => scaledOf(algebra, quadratic, systems[g], counts[g]));
  const weights = new Float32Array(start.length);
  quadratics.forEach(({ n }, g) => {
    const { scale, rowScale } = parts[g];
    for (let i = 0; i < size; i++) {
      weights[g * size + i] = (start[g * size + i] * rowScale[Math.floor(i / n)]) / scale[i % n];
    }
  });
  const dual = new Float32Array(start.length);
  const sum = weights.slice();
  let mask = select(energies(sum, blocks), blocks, keep);
  let before = penalties[0];
  for (const penalty of penalties) {
    for (let i = 0; i < dual.length; i++) dual[i] *= before / penalty;
    before = penalty;
    algebra.scope(() => {
      const inverses = quadratics.map((quadratic, g) =>
        inversePanels(algebra, quadratic, systems[g], parts[g], penalty),
      );
      for (let step = 0; step < steps; step++) {
        quadratics.forEach((quadratic, g) => {
          const { n, rows } = quadratic;
          const { target, padded, columns } = parts[g];
          algebra.scope(() => {
            const x = algebra.floats(padded * columns);
            const y = algebra.floats(padded * columns);
            const right = algebra.float32(x, padded * columns);
            right.fill(0);
            for (let r = 0; r < rows; r++) {
              for (let i = 0; i < n; i++) {
                const k = g * size + r * n + i;
                const projected = mask[k] ? sum[k] : 0;
                right[r * columns + i] = target[r * n + i] + penalty * (projected - dual[k]);
              }
            }
            algebra.run.matmul(padded, n, x, columns, inverses[g], columns / 8, y, columns);
            const solved = algebra.float32(y, padded * columns);
            for (let r = 0; r < rows; r++) {
              for (let i = 0; i < n; i++) weights[g * size + r * n + i] = solved[r * columns + i];
            }
          });
        });
        for (let k = 0; k < sum.length; k++) sum[k] = weights[k] + dual[k];
        mask = select(energies(sum, blocks), blocks, keep);
        for (let k = 0; k < sum.length; k++) dual[k] = mask[k] ? 0 : sum[k];
      }
    });
  }
  return mask;
}

/** Root mean square of each block. */
function energies(weights: Float32Array, { blockOf, count }: Blocks): Float32Array {
  const scores = new Float32Array(count);
  const sizes = new Int32Array(count);
  for (let i = 0; i < weights.length; i++) {
    scores[blockOf[i]] += weights[i] ** 2;
    sizes[blockOf[i]]++;
  }
  return scores.map((score, block) => score / Math.max(1, sizes[block]));
}

function scaledOf(
  algebra: LinearAlgebra,
  { rows, n, stride }: Quadratic,
  system: Damped,
  counts: Float64Array,
): Scaled {
  const h = algebra.float64(system.h, n * stride);
  const scale = Float64Array.from({ length: n }, (_, i) => 1 / Math.sqrt(h[i * stride + i]));
  const goal = algebra.float64(system.target, rows * stride);
  const target = new Float32Array(rows * n);
  const rowScale = counts.map(Math.sqrt);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < n; i++) target[r * n + i] = goal[r * stride + i] * scale[i] * rowScale[r];
  }
  return { scale, rowScale, target, padded: 4 * Math.ceil(rows / 4), columns: 8 * Math.ceil(n / 8) };
}

/** (H′ + penalty I)⁻¹ in panels for matmul; H′ has a diagonal of ones. */
function inversePanels(
  algebra: LinearAlgebra,
  { n, stride }: Quadratic,
  system: Damped,
  { scale, columns }: Scaled,
  penalty: number,
): number {
  const panels = algebra.floats(n * columns);
  algebra.scope(() => {
    const l = algebra.doubles(n * stride);
    const u = algebra.doubles(n * stride);
    const inverse = algebra.doubles(n * stride);
    const [from, to] = [system.h, l].map((at) => algebra.float64(at, n * stride));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) to[i * stride + j] = from[i * stride + j] * scale[i] * scale[j];
      to[i * stride + i] += penalty;
    }
    algebra.run.cholesky(l, n, stride, 0); // all eigenvalues are at least the penalty
    algebra.run.inverse(l, n, stride, u, inverse);
    algebra.run.pack_panels(inverse, n, n, stride, panels);
  });
  return panels;
}
