// f(v), four lanes: the unary functions by their codes (src/program/activations.ts). NaN comes out as NaN.
//
// Sigmoid, SiLU and GELU are in smooth.ts. The other transcendental functions use exp, expm1 and log; coefficients are from
// Cephes (expf.c, logf.c).
import { madd } from '../madd';
import { storeLanes } from './lanes';
import { gelu, geluVectors, sigmoid, sigmoidVectors } from './smooth';

// @ts-ignore: decorator
@inline
function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** min(max(v, lo), hi); NaN stays NaN, since pmin and pmax return their first operand when a comparison is false. */
// @ts-ignore: decorator
@inline
function clamp(v: v128, lo: v128, hi: v128): v128 {
  return f32x4.pmin(f32x4.pmax(v, lo), hi);
}

// Constants of exp lie in memory: V8 remakes the splat of a literal at each use, in two or three instructions, while a
// broadcast from memory is one.
//
//   0 log₂ e | 1 toInteger | 2 −ln 2, high | 3 −ln 2, low | 4… polynomial, highest first | 10 one | 11 bounds | 13 of expm1

/** Adding it leaves the nearest integer to |x| < 2²² in the low bits. */
const toInteger: f32 = 12582912;
const toIntegerBits: i32 = 0x4b400000;
const exponentBias: i32 = toIntegerBits - 127;

const constants = memory.data<f32>([
  1.44269504088896341, toInteger, -0.693359375, 2.12194440e-4,
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
  1, -105, 89, 20,
]);

// @ts-ignore: decorator
@inline
function constant(i: usize): v128 {
  return v128.load32_splat(constants + 4 * i);
}

/** The r of x = n·ln 2 + r, where t = x·log₂ e + toInteger rounded n. */
// @ts-ignore: decorator
@inline
function remainder(x: v128, t: v128): v128 {
  const n = f32x4.sub(t, constant(1));
  return madd(n, constant(3), madd(n, constant(2), x));
}

/** eʳ − 1 for |r| ≤ ln 2 / 2. */
// @ts-ignore: decorator
@inline
function smallExpm1(r: v128): v128 {
  let p = madd(constant(4), r, constant(5));
  p = madd(p, r, constant(6));
  p = madd(p, r, constant(7));
  p = madd(p, r, constant(8));
  p = madd(p, r, constant(9));
  return madd(p, f32x4.mul(r, r), r);
}

/** eˣ, relative error below 3e-7; ∞ or 0 beyond the range of f32. */
export function exp(x: v128): v128 {
  x = clamp(x, constant(11), constant(12));
  const t = madd(x, constant(0), constant(1));
  const y = f32x4.add(smallExpm1(remainder(x, t)), constant(10));
  // 2ⁿ in two factors: n reaches −151…128, which one exponent field cannot hold.
  const n = i32x4.sub(t, i32x4.splat(toIntegerBits));
  const half = i32x4.shr_s(n, 1);
  const first = i32x4.shl(i32x4.add(half, i32x4.splat(127)), 23);
  const second = i32x4.shl(i32x4.add(i32x4.sub(n, half), i32x4.splat(127)), 23);
  return f32x4.mul(f32x4.mul(y, first), second);
}

// e⁻ᵛ for softplus: −v = n·ln 2 − r with |r| ≤ ln 2 / 2, e⁻ᵛ = 2ⁿ·e⁻ʳ, relative error below 2e-7.
//
//   0 −log₂ e | 1 toInteger + 127: the low bits of what is rounded are an exponent | 2 ln 2, high | 3 ln 2, low |
//   4… polynomial in r, highest first (minimax, 9e-8) | 9 one | 10 bounds: e⁻ᵛ is ∞ below −88.4, 2⁻¹²⁶ above 87.3
const negative = memory.data<f32>([
  -1.44269504088896341, 12583039, 0.693359375, -2.12194440e-4,
  -8.290272206068039e-3, 4.189816117286682e-2, -0.1666763871908188, 0.4999914765357971, -0.9999997019767761,
  1, -89, 87.3,
]);

// @ts-ignore: decorator
@inline
function negativeConstant(i: usize): v128 {
  return v128.load32_splat(negative + 4 * i);
}

/** e⁻ᵛ + c */
// @ts-ignore: decorator
@inline
function expNegativePlus(v: v128, c: v128): v128 {
  v = clamp(v, negativeConstant(10), negativeConstant(11));
  const t = madd(v, negativeConstant(0), negativeConstant(1));
  const n = f32x4.sub(t, negativeConstant(1));
  const r = madd(n, negativeConstant(3), madd(n, negativeConstant(2), v));
  let p = madd(negativeConstant(4), r, negativeConstant(5));
  p = madd(p, r, negativeConstant(6));
  p = madd(p, r, negativeConstant(7));
  p = madd(p, r, negativeConstant(8));
  p = madd(p, r, negativeConstant(9));
  return madd(p, i32x4.shl(t, 23), c);
}

/** eˣ − 1 without cancellation near 0; x is clamped to ±20. */
function expm1(x: v128): v128 {
  x = clamp(x, f32x4.neg(constant(13)), constant(13));
  const t = madd(x, constant(0), constant(1));
  const scale = i32x4.shl(i32x4.sub(t, i32x4.splat(exponentBias)), 23);
  return madd(smallExpm1(remainder(x, t)), scale, f32x4.sub(scale, constant(10)));
}

/** ln x; −∞ at 0, NaN below 0. */
export function log(x: v128): v128 {
  const subnormal = f32x4.lt(x, splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, splat(8388608)), x, subnormal);
  // x = 2ᵉ·m with m in [√½, √2)
  const e = i32x4.shr_s(i32x4.sub(scaled, i32x4.splat(0x3f3504f3)), 23);
  const f = f32x4.sub(i32x4.sub(scaled, i32x4.shl(e, 23)), splat(1));
  const exponent = f32x4.sub(f32x4.convert_i32x4_s(e), v128.and(subnormal, splat(23)));
  const z = f32x4.mul(f, f);
  let p = madd(splat(7.0376836292e-2), f, splat(-1.1514610310e-1));
  p = madd(p, f, splat(1.1676998740e-1));
  p = madd(p, f, splat(-1.2420140846e-1));
  p = madd(p, f, splat(1.4249322787e-1));
  p = madd(p, f, splat(-1.6668057665e-1));
  p = madd(p, f, splat(2.0000714765e-1));
  p = madd(p, f, splat(-2.4999993993e-1));
  p = madd(p, f, splat(3.3333331174e-1));
  p = f32x4.mul(p, f32x4.mul(f, z));
  p = madd(exponent, splat(-2.12194440e-4), p);
  p = madd(z, splat(-0.5), p);
  const y = madd(exponent, splat(0.693359375), f32x4.add(f, p));
  // √x is NaN below 0, ∞ at ∞, NaN at NaN: the same as ln where that is not finite.
  const special = v128.bitselect(splat(-Infinity), f32x4.sqrt(x), f32x4.eq(x, splat(0)));
  return v128.bitselect(y, special, v128.and(f32x4.gt(x, splat(0)), f32x4.lt(x, splat(Infinity))));
}

/** ln(1 + t) for t in [0, 1], accurate near 0 too: the logarithm of the rounded 1 + t, plus what rounding lost. */
// @ts-ignore: decorator
@inline
function log1p(t: v128): v128 {
  const u = f32x4.add(t, splat(1));
  return f32x4.add(log(u), f32x4.div(f32x4.sub(t, f32x4.sub(u, splat(1))), u));
}

/** n and x − n·π/2 of the two low lanes, n the nearest integer to x·2/π: f64 keeps what cancels out. */
// @ts-ignore: decorator
@inline
function quarterTurns(x: v128): v128 {
  return f64x2.nearest(f64x2.mul(x, f64x2.splat(0.6366197723675814)));
}

/** sin(v + quarters·π/2), by polynomials of what is left of v beside quarter turns: error below 2e-7 (Cephes' sinf.c); NaN beyond ±2³⁰. */
function sine(v: v128, quarters: i32): v128 {
  const low = f64x2.promote_low_f32x4(v);
  const high = f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1));
  const nLow = quarterTurns(low);
  const nHigh = quarterTurns(high);
  const quarter = f64x2.splat(1.5707963267948966);
  const r = i64x2.shuffle(
    f32x4.demote_f64x2_zero(f64x2.sub(low, f64x2.mul(nLow, quarter))),
    f32x4.demote_f64x2_zero(f64x2.sub(high, f64x2.mul(nHigh, quarter))),
    0,
    2,
  );
  const turns = i64x2.shuffle(i32x4.trunc_sat_f64x2_s_zero(nLow), i32x4.trunc_sat_f64x2_s_zero(nHigh), 0, 2);
  const n = i32x4.add(turns, i32x4.splat(quarters));
  const z = f32x4.mul(r, r);
  const p = madd(madd(splat(-1.9515295891e-4), z, splat(8.3321608736e-3)), z, splat(-1.6666654611e-1));
  const sin = madd(f32x4.mul(p, z), r, r);
  const q = madd(madd(splat(2.443315711809948e-5), z, splat(-1.388731625493765e-3)), z, splat(4.166664568298827e-2));
  const cos = madd(f32x4.mul(q, z), z, madd(z, splat(-0.5), splat(1)));
  // the lowest bit tells sin from cos, the next one the sign
  const y = v128.bitselect(cos, sin, i32x4.neg(v128.and(n, i32x4.splat(1))));
  const signed = v128.xor(y, i32x4.shl(v128.and(n, i32x4.splat(2)), 30));
  return v128.or(signed, f32x4.gt(f32x4.abs(v), splat(1073741824)));
}

/** The body of activate(); with a literal `fn`, only that function. */
// @ts-ignore: decorator
@inline
function apply(v: v128, fn: u32, alpha: f32, beta: f32): v128 {
  const one = splat(1);
  const zero = splat(0);
  switch (fn) {
    case 1: // clamp
      return clamp(v, splat(alpha), splat(beta));
    case 2: // leakyRelu
      return v128.bitselect(f32x4.mul(v, splat(alpha)), v, f32x4.lt(v, zero));
    case 3: // sigmoid
      return sigmoid(v);
    case 4: // silu
      return f32x4.mul(v, sigmoid(v));
    case 5: // hardSigmoid
      return clamp(madd(v, splat(alpha), splat(beta)), zero, one);
    case 6: // hardSwish
      return f32x4.mul(v, clamp(madd(v, splat(alpha), splat(beta)), zero, one));
    case 7: { // tanh
      const e = expm1(f32x4.add(v, v));
      return f32x4.div(e, f32x4.add(e, splat(2)));
    }
    case 8: // exp
      return exp(v);
    case 9: // sqrt
      return f32x4.sqrt(v);
    case 10: // neg
      return f32x4.neg(v);
    case 11: // abs
      return f32x4.abs(v);
    case 12: // reciprocal
      return f32x4.div(one, v);
    case 13: // log
      return log(v);
    case 14: // rsqrt
      return f32x4.div(one, f32x4.sqrt(v));
    case 15: // square
      return f32x4.mul(v, v);
    case 16: // gelu
      return gelu(v);
    case 17: // elu
      return v128.bitselect(f32x4.mul(expm1(v), splat(alpha)), v, f32x4.lt(v, zero));
    case 18: // softplus
      return f32x4.add(f32x4.pmax(v, zero), log1p(expNegativePlus(f32x4.abs(v), zero)));
    case 19: { // mish: tanh(ln(1 + e)) = n/(n + 2), n = e·(e + 2); 1 beyond 20
      const e = exp(f32x4.pmin(v, splat(20)));
      const n = f32x4.mul(e, f32x4.add(e, splat(2)));
      return f32x4.mul(v, f32x4.div(n, f32x4.add(n, splat(2))));
    }
    case 20: // floor
      return f32x4.floor(v);
    case 21: // ceil
      return f32x4.ceil(v);
    case 22: // round
      return f32x4.nearest(v);
    case 23: // trunc
      return f32x4.trunc(v);
    case 24: { // sign
      const magnitude = v128.bitselect(one, v, f32x4.ne(f32x4.abs(v), zero));
      const sign = v128.or(magnitude, v128.and(v, i32x4.splat(0x80000000)));
      return v128.bitselect(sign, v, f32x4.eq(v, v));
    }
    case 25: // sin
      return sine(v, 0);
    case 26: // cos
      return sine(v, 1);
    default: // identity
      return v;
  }
}

/** Applies the unary function with this code (src/program/activations.ts) to four lanes. */
export function activate(v: v128, fn: u32, alpha: f32, beta: f32): v128 {
  return apply(v, fn, alpha, beta);
}

/** y (vectors of 4) = clamp(x). */
// @ts-ignore: decorator
@inline
function clampVectors(x: usize, y: usize, n: u32, lo: v128, hi: v128): void {
  for (; n >= 4; n -= 4) {
    v128.store(y, clamp(v128.load(x), lo, hi));
    v128.store(y, clamp(v128.load(x, 16), lo, hi), 16);
    v128.store(y, clamp(v128.load(x, 32), lo, hi), 32);
    v128.store(y, clamp(v128.load(x, 48), lo, hi), 48);
    x += 64;
    y += 64;
  }
  activateVectors(x, y, n, lo, hi, 0, 0, 0);
}

/** y (vectors of 4) = f(clamp(x)); `fn` is a literal. */
// @ts-ignore: decorator
@inline
function activateVectors(x: usize, y: usize, n: u32, lo: v128, hi: v128, fn: u32, alpha: f32, beta: f32): void {
  for (; n != 0; n--) {
    v128.store(y, apply(clamp(v128.load(x), lo, hi), fn, alpha, beta));
    x += 16;
    y += 16;
  }
}

/** y (vectors of 4) = hardSwish(x), four at a time. */
// @ts-ignore: decorator
@inline
function hardSwishVectors(x: usize, y: usize, n: u32, alpha: v128, beta: v128): void {
  const zero = splat(0);
  const one = splat(1);
  for (; n >= 4; n -= 4) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const c = v128.load(x, 32);
    const d = v128.load(x, 48);
    v128.store(y, f32x4.mul(a, clamp(madd(a, alpha, beta), zero, one)));
    v128.store(y, f32x4.mul(b, clamp(madd(b, alpha, beta), zero, one)), 16);
    v128.store(y, f32x4.mul(c, clamp(madd(c, alpha, beta), zero, one)), 32);
    v128.store(y, f32x4.mul(d, clamp(madd(d, alpha, beta), zero, one)), 48);
    x += 64;
    y += 64;
  }
  for (; n != 0; n--) {
    const a = v128.load(x);
    v128.store(y, f32x4.mul(a, clamp(madd(a, alpha, beta), zero, one)));
    x += 16;
    y += 16;
  }
}

/**
 * y (count) = activate(clamp(x)) for a contiguous run, exact to the element; y may be x. Functions that networks use
 * often run without a call per vector: for many values, that is up to twice as fast as activate().
 */
export function activateRow(x: usize, y: usize, count: u32, min: f32, max: f32, fn: u32, alpha: f32, beta: f32): void {
  const lo = splat(min);
  const hi = splat(max);
  const n = count / 4;
  // The smooth functions here do not clamp; with a clamp, they take the rare functions' path.
  const open = min == -Infinity && max == Infinity;
  switch (open || fn == 0 || fn == 2 ? fn : u32.MAX_VALUE) {
    case 0: {
      clampVectors(x, y, n, lo, hi);
      break;
    }
    case 2: {
      activateVectors(x, y, n, lo, hi, 2, alpha, beta);
      break;
    }
    case 3: {
      sigmoidVectors(x, y, n, false);
      break;
    }
    case 4: {
      sigmoidVectors(x, y, n, true);
      break;
    }
    case 6: {
      hardSwishVectors(x, y, n, splat(alpha), splat(beta));
      break;
    }
    case 16: {
      geluVectors(x, y, n);
      break;
    }
    default: {
      for (let i: u32 = 0; i < 16 * n; i += 16) {
        v128.store(y + i, activate(clamp(v128.load(x + i), lo, hi), fn, alpha, beta));
      }
    }
  }
  const left = count & 3;
  if (left == 0) return;
  const done: usize = 16 * n;
  storeLanes(y + done, activate(clamp(v128.load(x + done), lo, hi), fn, alpha, beta), left);
}
