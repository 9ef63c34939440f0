// Fits the coefficients of assembly/elementwise/smooth.ts and prints them with their errors:
//
//   node scripts/fit-activations.mjs
//
//   sigmoid   2⁻ᵍ = (A − g)/(A + g), |g| ≤ ½, A = a₀ + a₁·g²
//   normal    Φ(z) − ½ = z·P(z²)/Q(z²), |z| ≤ bound, Q(0) = 1
//
// Minimax fits by Lawson's algorithm: least squares, again and again, with weights that grow where the error is large.

/** Solves a·x = b for a symmetric positive matrix, with pivots. */
function solve(a, b) {
  const n = b.length;
  const m = a.map((row, i) => [...row, b[i]]);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(m[i][k]) > Math.abs(m[pivot][k])) pivot = i;
    [m[k], m[pivot]] = [m[pivot], m[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = m[i][k] / m[k][k];
      for (let j = k; j <= n; j++) m[i][j] -= factor * m[k][j];
    }
  }
  const x = b.map(() => 0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = m[i][n];
    for (let j = i + 1; j < n; j++) sum -= m[i][j] * x[j];
    x[i] = sum / m[i][i];
  }
  return x;
}

/**
 * The sums Σ cᵢ·basisᵢ nearest to the targets, by their largest weighted error.
 * @param rows one for each point: [values of the basis, target, weight]
 */
function minimax(rows, rounds = 400) {
  let lawson = rows.map(() => 1 / rows.length);
  let best = { worst: Infinity, c: [] };
  for (let round = 0; round < rounds; round++) {
    const n = rows[0][0].length;
    const a = Array.from({ length: n }, () => Array.from({ length: n }, () => 0));
    const b = Array.from({ length: n }, () => 0);
    rows.forEach(([basis, target, weight], k) => {
      const w = lawson[k] * weight * weight;
      for (let i = 0; i < n; i++) {
        b[i] += w * basis[i] * target;
        for (let j = 0; j < n; j++) a[i][j] += w * basis[i] * basis[j];
      }
    });
    const c = solve(a, b);
    const errors = rows.map(([basis, target, weight]) =>
      Math.abs(weight * (basis.reduce((sum, v, i) => sum + c[i] * v, 0) - target)),
    );
    const worst = Math.max(...errors);
    if (worst < best.worst) best = { worst, c };
    const total = errors.reduce((sum, e, k) => sum + e * lawson[k], 0);
    lawson = lawson.map((w, k) => (w * errors[k]) / total);
  }
  return best;
}

/** P and Q, Q(0) = 1, of degrees p and q, so that z·P(s)/Q(s) is nearest to f; s = z² in units of its largest. */
function rational(points, f, weight, p, q, scale) {
  let denominators = points.map(() => 1);
  let best = { worst: Infinity };
  for (let round = 0; round < 25; round++) {
    const rows = points.map((z, k) => {
      const s = (z * z) / scale;
      const y = f(z);
      const numerator = Array.from({ length: p + 1 }, (_, i) => z * s ** i);
      const denominator = Array.from({ length: q }, (_, i) => -y * s ** (i + 1));
      return [[...numerator, ...denominator], y, weight(z) / denominators[k]];
    });
    const { c } = minimax(rows, 150);
    const P = c.slice(0, p + 1).map((v, i) => v / scale ** i);
    const Q = [1, ...c.slice(p + 1).map((v, i) => v / scale ** (i + 1))];
    denominators = points.map((z) => horner(Q, z * z));
    const worst = Math.max(
      ...points.map((z, k) => Math.abs(weight(z) * ((z * horner(P, z * z)) / denominators[k] - f(z)))),
    );
    if (worst < best.worst) best = { worst, P, Q };
  }
  return best;
}

const horner = (c, x) => c.reduceRight((sum, v) => sum * x + v, 0);
const range = (n, from, to) => Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);

/** Points that crowd at both ends, where minimax errors have their extrema. */
const chebyshev = (n, from, to) =>
  Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * (1 - Math.cos((Math.PI * i) / n))) / 2);

/** Φ(z) − ½: its series of positive terms, φ(z)·Σ z²ᵏ⁺¹/(2k+1)!!. */
export function normalAboveHalf(z) {
  let term = z;
  let sum = z;
  for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(sum); k++) sum += term *= (z * z) / (2 * k + 1);
  return (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

const f32 = Math.fround;

/** P/Q·z as the kernels compute it, with one rounding per multiply-add or with two. */
function rounded({ P, Q }, z, fused) {
  // a product of two floats is exact in f64
  const madd = (a, b, c) => f32((fused ? a * b : f32(a * b)) + c);
  const s = f32(z * z);
  const evaluate = (c) => c.reduceRight((sum, v) => (sum === undefined ? f32(v) : madd(sum, s, f32(v))), undefined);
  return f32(f32(z * evaluate(P)) / evaluate(Q));
}

function fitSigmoid() {
  // A so that (A − g)/(A + g) = 2⁻ᵍ, weighted by what an error of A does to the logarithm of the ratio
  const rows = range(500, 1e-3, 0.5).map((g) => {
    const exact = g / Math.tanh((g * Math.LN2) / 2);
    return [[1, g * g], exact, (2 * g) / (exact * exact - g * g)];
  });
  const { c, worst } = minimax(rows);
  console.log(`sigmoid: a0 ${c[0]}, a1 ${c[1]}; relative error of 2^-g ${worst.toExponential(2)}`);
}

/** The error of GELU in floats, over [0, end]. */
function floatError(fit, end, fused, points = 20000) {
  const error = (z) => z * Math.abs(rounded(fit, z, fused) - normalAboveHalf(z));
  return Math.max(...range(points, 0, end).map((z) => error(f32(z))));
}

/**
 * P and Q have a common factor that is free: it is chosen by the error in floats, where rounded coefficients count.
 * `bound` is where z is clamped: the first from which Φ is exactly 0 and 1, fused or not.
 */
function fitNormal(p, q, end) {
  const points = chebyshev(300, end / 1e4, end);
  const { worst, P, Q } = rational(points, normalAboveHalf, (z) => z, p, q, end * end);
  const scaled = range(400, 1, 2).map((factor) => ({ P: P.map((v) => factor * v), Q: Q.map((v) => factor * v) }));
  const errors = scaled.map((fit) => Math.max(floatError(fit, end, false, 1000), floatError(fit, end, true, 1000)));
  const fit = scaled[errors.indexOf(Math.min(...errors))];
  console.log(`normal [${p}/${q}] to ${end}: error of gelu ${worst.toExponential(2)}, in floats`);
  for (const fused of [false, true]) {
    console.log(`  ${fused ? 'fused' : 'not fused'} ${floatError(fit, end, fused).toExponential(2)}`);
  }
  const isOne = (z) => [true, false].every((fused) => rounded(fit, z, fused) >= 0.5);
  const bound = range(4000, end - 0.4, end)
    .map(f32)
    .find(isOne);
  console.log(`  P ${fit.P.toReversed().join(', ')}\n  Q ${fit.Q.toReversed().join(', ')}\n  bound ${bound}`);
}

fitSigmoid();
fitNormal(5, 5, 5.4);
