// Solves for the kept weights that best compensate for the removed ones.
import type { LinearAlgebra } from '../linear-algebra.ts';
import type { Quadratic } from './quadratic.ts';
import { strideOf } from './quadratic.ts';

/**
 * H + Λ, with a ridge Λ towards the dense weights that is proportional to each input's variance: from a few photos, covariances
 * of two inputs are less reliable than variances. Takes memory of `algebra`.
 */
export interface Damped {
  readonly h: number;
  /** (rows, n): follow · target + (1 − follow) · w H + w Λ. */
  readonly target: number;
  /** Mean of Λ. */
  readonly lambda: number;
}

/**
 * @param ridge Λ relative to H's diagonal, to which a hundredth of its mean is added, for inputs that hardly vary
 * @param follow 1: outputs follow the dense network's, and compensate for errors of earlier layers; 0: only for removed weights
 */
export function damped(algebra: LinearAlgebra, quadratic: Quadratic, ridge: number, follow = 1): Damped {
  const { rows, n, stride, h, target, dense, scale } = quadratic;
  const sum = algebra.doubles(n * stride);
  const goal = algebra.doubles(rows * stride);
  algebra.float64(goal, rows * stride).fill(0);
  if (follow !== 1) algebra.run.dots(rows, n, n, dense, stride, h, stride, goal, stride, 0, 1 - follow);
  const toSum = algebra.float64(sum, n * stride);
  toSum.set(algebra.float64(h, n * stride));
  const own = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    own[i] = Math.max(ridge * (toSum[i * stride + i] + scale / 100), 1e-30); // if all inputs are 0, the dense weights stay
    toSum[i * stride + i] += own[i];
  }
  const [to, from, w] = [goal, target, dense].map((at) => algebra.float64(at, rows * stride));
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < n; i++) {
      const k = r * stride + i;
      to[k] += follow * from[k] + own[i] * w[k];
    }
  }
  return { h: sum, target: goal, lambda: Math.max(ridge * scale, 1e-30) };
}

/**
 * Minimises E (w x − ŵ x̂)² + (w − ŵ) Λ (w − ŵ)ᵀ over the kept weights of each row; removed ones are 0. Rows that keep the same
 * weights share a factorisation.
 * @param mask (rows, n), 1 for kept
 * @returns (rows, n)
 */
export function leastSquares(
  algebra: LinearAlgebra,
  quadratic: Quadratic,
  system: Damped,
  mask: Uint8Array,
): Float32Array {
  const { rows, n, stride } = quadratic;
  const result = new Float32Array(rows * n);
  for (const alike of rowsAlike(mask, rows, n)) {
    const kept: number[] = [];
    for (let i = 0; i < n; i++) if (mask[alike[0] * n + i]) kept.push(i);
    if (kept.length === 0) continue;
    algebra.scope(() => {
      const s = kept.length;
      const ld = strideOf(s);
      const a = algebra.doubles(s * ld);
      const b = algebra.doubles(alike.length * ld);
      const at = algebra.floats(s);
      algebra.uint32(at, s).set(kept);
      const right = algebra.float64(b, alike.length * ld);
      const targets = algebra.float64(system.target, rows * stride);
      alike.forEach((r, k) => kept.forEach((i, j) => (right[k * ld + j] = targets[r * stride + i])));
      factorise(algebra, system, stride, at, s, a, ld);
      algebra.run.solve(a, s, ld, b, alike.length, ld);
      const solved = algebra.float64(b, alike.length * ld);
      alike.forEach((r, k) => kept.forEach((i, j) => (result[r * n + i] = solved[k * ld + j])));
    });
  }
  return result;
}

/** Cholesky of the rows and columns `at` of H + λ I, with a larger λ if rounding makes it indefinite. */
function factorise(
  algebra: LinearAlgebra,
  { h, lambda }: Damped,
  stride: number,
  at: number,
  s: number,
  a: number,
  ld: number,
): void {
  for (let more = 0; ; more = Math.max(10 * more, lambda)) {
    algebra.run.lower_part(h, stride, at, s, a, ld);
    const data = algebra.float64(a, s * ld);
    if (more > 0) for (let i = 0; i < s; i++) data[i * ld + i] += more;
    if (algebra.run.cholesky(a, s, ld, 0) === 0) return;
    if (!(more < Infinity)) throw new Error('the statistics are not finite');
  }
}

/** Groups rows that keep the same weights. */
function rowsAlike(mask: Uint8Array, rows: number, n: number): number[][] {
  const found = new Map<string, number[]>();
  for (let r = 0; r < rows; r++) {
    const key = new TextDecoder('latin1').decode(mask.subarray(r * n, (r + 1) * n));
    const known = found.get(key);
    if (known) known.push(r);
    else found.set(key, [r]);
  }
  return [...found.values()];
}

/** Diagonal of (H + λ I)⁻¹, and the inverse itself in memory of `algebra` (n, n). */
export function inverseOf(
  algebra: LinearAlgebra,
  quadratic: Quadratic,
  { h }: Damped,
): { at: number; diagonal: Float64Array } {
  const { n, stride } = quadratic;
  const inverse = algebra.doubles(n * stride);
  algebra.scope(() => {
    const l = algebra.doubles(n * stride);
    const u = algebra.doubles(n * stride);
    algebra.float64(l, n * stride).set(algebra.float64(h, n * stride));
    const data = algebra.float64(l, n * stride);
    const add = (by: number) => {
      data.set(algebra.float64(h, n * stride));
      for (let i = 0; i < n; i++) data[i * stride + i] *= 1 + by;
    };
    for (let by = 1e-6; algebra.run.cholesky(l, n, stride, 0) !== 0; by *= 10) {
      if (by > 1e30) throw new Error('the statistics are not finite');
      add(by);
    }
    algebra.run.inverse(l, n, stride, u, inverse);
  });
  const data = algebra.float64(inverse, n * stride);
  return { at: inverse, diagonal: Float64Array.from({ length: n }, (_, i) => data[i * stride + i]) };
}
