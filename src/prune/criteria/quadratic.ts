// The error of pruned weights in one group of channels, as a function of the weights.
import type { LinearAlgebra } from '../linear-algebra.ts';
import type { GroupStatistics } from '../statistics/statistics.ts';

/** Doubles from a row of n numbers to the next. Not a power of two, because such rows would share few cache lines. */
export function strideOf(n: number): number {
  const even = 2 * Math.ceil(n / 2);
  return even % 64 === 0 ? even + 2 : even;
}

/**
 * For each row w of the dense weights and its replacement ŵ, with biases corrected:
 *
 *   E (w x − ŵ x̂)² = power − 2 ŵ · target + ŵ H ŵᵀ       H = cov(x̂), target = w cov(x, x̂), power = w cov(x) wᵀ
 *
 * in memory of algebra, f64, rows of `stride` doubles.
 */
export interface Quadratic {
  readonly rows: number;
  readonly n: number;
  readonly stride: number;
  /** (n, n) */
  readonly h: number;
  /** (rows, n) */
  readonly target: number;
  /** (rows, n): the dense weights. */
  readonly dense: number;
  /** (rows) */
  readonly power: Float64Array;
  /** Mean of H's diagonal. */
  readonly scale: number;
}

/** @param weights (rows, n) of the dense network. Takes memory of `algebra`. */
export function quadraticOf(algebra: LinearAlgebra, weights: Float32Array, statistics: GroupStatistics): Quadratic {
  const { n, gram, cross, dense, mean, denseMean } = statistics;
  const rows = weights.length / n;
  const stride = strideOf(n);
  const w = algebra.doubles(rows * stride);
  put(algebra, w, weights, rows, n, stride);
  const h = algebra.doubles(n * stride);
  centred(algebra, h, gram, mean, mean, stride);
  const target = algebra.doubles(rows * stride);
  const power = new Float64Array(rows);
  algebra.scope(() => {
    const other = algebra.doubles(n * stride);
    // dots multiplies rows of its second factor: cov(x̂, x)
    centred(algebra, other, transposed(cross, gram, n), mean, denseMean, stride);
    algebra.run.dots(rows, n, n, w, stride, other, stride, target, stride, 0, 1);
    const image = algebra.doubles(rows * stride);
    centred(algebra, other, dense, denseMean, denseMean, stride);
    algebra.run.dots(rows, n, n, w, stride, other, stride, image, stride, 0, 1);
    for (let r = 0; r < rows; r++) {
      algebra.run.dots(1, 1, n, w + 8 * r * stride, stride, image + 8 * r * stride, stride, other, 1, 0, 1);
      power[r] = Math.max(0, algebra.float64(other, 1)[0]);
    }
  });
  const diagonal = algebra.float64(h, n * stride);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += diagonal[i * stride + i];
  return { rows, n, stride, h, target, dense: w, power, scale: sum / n };
}

/**
 * (rows) of each quadratic: factors on the errors of rows when rows compete for weights. Networks may scale channels freely,
 * because the next layer can scale back. So errors count partly as they are, partly relative to the variance of the row.
 */
export function rowWeights(quadratics: readonly Quadratic[]): Float64Array[] {
  const all = quadratics.reduce((sum, { power }) => sum + power.reduce((a, b) => a + b, 0), 0);
  const mean = all / quadratics.reduce((sum, { rows }) => sum + rows, 0);
  if (!(mean > 0)) return quadratics.map(({ rows }) => new Float64Array(rows).fill(1));
  return quadratics.map(({ power }) => power.map((one) => 1 / Math.sqrt(one / mean + minPower)));
}

/** Minimum power of a row relative to the mean, for rows that hardly vary. */
const minPower = 1e-3;

/** E (w x − ŵ x̂)² of each row, biases corrected; at least 0. `weights` are (rows, n). */
export function errorsOf(algebra: LinearAlgebra, quadratic: Quadratic, weights: Float32Array): Float64Array {
  const { variance, covariance } = outputsOf(algebra, quadratic, weights);
  return quadratic.power.map((power, r) => Math.max(0, power + variance[r] - 2 * covariance[r]));
}

/** For each row ŵ, the variance of ŵ x̂, and its covariance with w x. `weights` are (rows, n). */
export function outputsOf(
  algebra: LinearAlgebra,
  quadratic: Quadratic,
  weights: Float32Array,
): { variance: Float64Array; covariance: Float64Array } {
  const { rows, n, stride, h, target } = quadratic;
  return algebra.scope(() => {
    const w = algebra.doubles(rows * stride);
    put(algebra, w, weights, rows, n, stride);
    const image = algebra.doubles(rows * stride);
    algebra.run.dots(rows, n, n, w, stride, h, stride, image, stride, 0, 1);
    const [ws, images, targets] = [w, image, target].map((at) => algebra.float64(at, rows * stride));
    const variance = new Float64Array(rows);
    const covariance = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      for (let i = r * stride; i < r * stride + n; i++) {
        variance[r] += ws[i] * images[i];
        covariance[r] += ws[i] * targets[i];
      }
    }
    return { variance, covariance };
  });
}

/** (rows, n) floats → doubles with `stride`. */
export function put(
  algebra: LinearAlgebra,
  to: number,
  weights: Float32Array,
  rows: number,
  n: number,
  stride: number,
): void {
  const data = algebra.float64(to, rows * stride);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < n; i++) data[r * stride + i] = weights[r * n + i];
    data.fill(0, r * stride + n, (r + 1) * stride);
  }
}

function centred(
  algebra: LinearAlgebra,
  to: number,
  moments: Float64Array,
  a: Float64Array,
  b: Float64Array,
  stride: number,
): void {
  const n = a.length;
  const data = algebra.float64(to, n * stride);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) data[i * stride + j] = moments[i * n + j] - a[i] * b[j];
  }
}

function transposed(matrix: Float64Array, symmetric: Float64Array, n: number): Float64Array {
  if (matrix === symmetric) return matrix;
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) result[j * n + i] = matrix[i * n + j];
  return result;
}
