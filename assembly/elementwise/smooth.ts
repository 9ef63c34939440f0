// Sigmoid, SiLU and GELU as quotients of polynomials; scripts/fit-activations.mjs fits the coefficients.
import { madd } from '../madd';

// Constants lie in memory: V8 remakes the splat of a literal at each use, in two or three instructions, while a broadcast
// from memory is one.
// @ts-ignore: decorator
@inline
function load32(from: usize, i: usize): v128 {
  return v128.load32_splat(from + 4 * i);
}

// e⁻ᵛ = 2ⁿ·2⁻ᵍ with n the nearest integer to −v·log₂ e and |g| ≤ ½. 2⁻ᵍ = (A − g)/(A + g), A = a₀ + a₁·g², so that
// sigmoid v = (A + g)/(A + g + 2ⁿ·(A − g)) takes one division.
//
//   0 −log₂ e | 1 1.5·2²³ + 127: the low bits of what is rounded are an exponent | 2 log₂ e | 3 a₁ | 4 a₀ |
//   5 bounds: 2ⁿ is ∞ below −88.4, 2⁻¹²⁶ above 87.3
const exponential = memory.data<f32>([
  -1.44269504088896341, 12583039, 1.44269504088896341, 0.11523603672152243, 2.8854081272257046, -88.7, 87.3,
]);

/** sigmoid(v), with the constants above in registers. Below −87.7, where 2ⁿ·(A − g) overflows, it is 0. */
// @ts-ignore: decorator
@inline
function sigmoidWith(v: v128, c: v128, magic: v128, log2e: v128, a1: v128, a0: v128, lo: v128, hi: v128): v128 {
  // NaN stays NaN: pmin and pmax return their first operand when a comparison is false
  const u = f32x4.pmin(f32x4.pmax(v, lo), hi);
  const t = madd(u, c, magic);
  const g = madd(u, log2e, f32x4.sub(t, magic));
  const a = madd(f32x4.mul(g, g), a1, a0);
  const p = f32x4.add(a, g);
  return f32x4.div(p, madd(f32x4.sub(a, g), i32x4.shl(t, 23), p));
}

/**
 * sigmoid(v): error below 2.5e-7, and relative to the result below 2e-6 with fused multiply-adds, 5e-6 without; most of it
 * far out, where v·log₂ e is rounded.
 */
// @ts-ignore: decorator
@inline
export function sigmoid(v: v128): v128 {
  const e = exponential;
  return sigmoidWith(v, load32(e, 0), load32(e, 1), load32(e, 2), load32(e, 3), load32(e, 4), load32(e, 5), load32(e, 6));
}

/** y (vectors of 4) = sigmoid(x), or x·sigmoid(x) where `times`, a literal. Two at a time: more do not fit registers. */
// @ts-ignore: decorator
@inline
export function sigmoidVectors(x: usize, y: usize, n: u32, times: bool): void {
  const e = exponential;
  const c = load32(e, 0);
  const magic = load32(e, 1);
  const log2e = load32(e, 2);
  const a1 = load32(e, 3);
  const a0 = load32(e, 4);
  const lo = load32(e, 5);
  const hi = load32(e, 6);
  for (; n >= 2; n -= 2) {
    const v = v128.load(x);
    const w = v128.load(x, 16);
    const p = sigmoidWith(v, c, magic, log2e, a1, a0, lo, hi);
    const q = sigmoidWith(w, c, magic, log2e, a1, a0, lo, hi);
    v128.store(y, times ? f32x4.mul(v, p) : p);
    v128.store(y, times ? f32x4.mul(w, q) : q, 16);
    x += 32;
    y += 32;
  }
  if (n != 0) {
    const v = v128.load(x);
    const p = sigmoidWith(v, c, magic, log2e, a1, a0, lo, hi);
    v128.store(y, times ? f32x4.mul(v, p) : p);
  }
}

// Φ(z) = ½ + z·P(z²)/Q(z²), the normal distribution; from the bounds on, the quotient is at least ½, and Φ exactly 0 or 1.
//
//   0… P, highest first | 6… Q | 12 bounds | 14 ½ | 15 1
const quotient = memory.data<f32>([
  3.131921785686373e-8, 8.923571300101692e-6, 2.423186676504027e-4, 6.4930120373609575e-3, 4.742236833807205e-2, 0.5485453261272937,
  1.661884320129999e-6, 1.051843117862104e-4, 2.6472874122688457e-3, 3.991086089046109e-2, 0.34803364877813014, 1.375,
  -5.230599880218506, 5.230599880218506, 0.5, 1,
]);

/** x·Φ(x): error below 1e-6 relative to the larger of 1 and |result|. */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  const c = quotient;
  const z = f32x4.pmin(f32x4.pmax(x, load32(c, 12)), load32(c, 13));
  const s = f32x4.mul(z, z);
  let p = madd(load32(c, 0), s, load32(c, 1));
  let q = madd(load32(c, 6), s, load32(c, 7));
  p = madd(p, s, load32(c, 2));
  q = madd(q, s, load32(c, 8));
  p = madd(p, s, load32(c, 3));
  q = madd(q, s, load32(c, 9));
  p = madd(p, s, load32(c, 4));
  q = madd(q, s, load32(c, 10));
  p = madd(p, s, load32(c, 5));
  q = madd(q, s, load32(c, 11));
  const r = f32x4.add(f32x4.div(f32x4.mul(z, p), q), load32(c, 14));
  return f32x4.mul(x, f32x4.pmin(f32x4.pmax(r, f32x4.splat(0)), load32(c, 15)));
}

/** y (vectors of 4) = gelu(x), two at a time: their chains overlap. */
// @ts-ignore: decorator
@inline
export function geluVectors(x: usize, y: usize, n: u32): void {
  for (; n >= 2; n -= 2) {
    const p = gelu(v128.load(x));
    const q = gelu(v128.load(x, 16));
    v128.store(y, p);
    v128.store(y, q, 16);
    x += 32;
    y += 32;
  }
  if (n != 0) v128.store(y, gelu(v128.load(x)));
}
