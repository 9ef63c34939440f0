// Measures the machine's peak in the kernels' terms: one loop per function, nothing else in it. A separate wasm.

/** Twelve chains a ← a·m + c as mul and add, `n` times; 96 floating-point operations each. m and c keep a finite. */
export function mul_add(n: u32, m: f32, c: f32): f32 {
  const x = f32x4.splat(m);
  const y = f32x4.splat(c);
  let a0 = f32x4.splat(0), a1 = f32x4.splat(1), a2 = f32x4.splat(2), a3 = f32x4.splat(3);
  let a4 = f32x4.splat(4), a5 = f32x4.splat(5), a6 = f32x4.splat(6), a7 = f32x4.splat(7);
  let a8 = f32x4.splat(8), a9 = f32x4.splat(9), a10 = f32x4.splat(10), a11 = f32x4.splat(11);
  for (; n != 0; n--) {
    a0 = f32x4.add(f32x4.mul(a0, x), y);
    a1 = f32x4.add(f32x4.mul(a1, x), y);
    a2 = f32x4.add(f32x4.mul(a2, x), y);
    a3 = f32x4.add(f32x4.mul(a3, x), y);
    a4 = f32x4.add(f32x4.mul(a4, x), y);
    a5 = f32x4.add(f32x4.mul(a5, x), y);
    a6 = f32x4.add(f32x4.mul(a6, x), y);
    a7 = f32x4.add(f32x4.mul(a7, x), y);
    a8 = f32x4.add(f32x4.mul(a8, x), y);
    a9 = f32x4.add(f32x4.mul(a9, x), y);
    a10 = f32x4.add(f32x4.mul(a10, x), y);
    a11 = f32x4.add(f32x4.mul(a11, x), y);
  }
  return sum(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11);
}

/** The same with relaxed_madd. Returns NaN in builds without it. */
export function relaxed_madd(n: u32, m: f32, c: f32): f32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return NaN;
  const x = f32x4.splat(m);
  const y = f32x4.splat(c);
  let a0 = f32x4.splat(0), a1 = f32x4.splat(1), a2 = f32x4.splat(2), a3 = f32x4.splat(3);
  let a4 = f32x4.splat(4), a5 = f32x4.splat(5), a6 = f32x4.splat(6), a7 = f32x4.splat(7);
  let a8 = f32x4.splat(8), a9 = f32x4.splat(9), a10 = f32x4.splat(10), a11 = f32x4.splat(11);
  for (; n != 0; n--) {
    a0 = f32x4.relaxed_madd(a0, x, y);
    a1 = f32x4.relaxed_madd(a1, x, y);
    a2 = f32x4.relaxed_madd(a2, x, y);
    a3 = f32x4.relaxed_madd(a3, x, y);
    a4 = f32x4.relaxed_madd(a4, x, y);
    a5 = f32x4.relaxed_madd(a5, x, y);
    a6 = f32x4.relaxed_madd(a6, x, y);
    a7 = f32x4.relaxed_madd(a7, x, y);
    a8 = f32x4.relaxed_madd(a8, x, y);
    a9 = f32x4.relaxed_madd(a9, x, y);
    a10 = f32x4.relaxed_madd(a10, x, y);
    a11 = f32x4.relaxed_madd(a11, x, y);
  }
  return sum(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11);
}

// @ts-ignore: decorator
@inline
function sum(
  a0: v128, a1: v128, a2: v128, a3: v128, a4: v128, a5: v128,
  a6: v128, a7: v128, a8: v128, a9: v128, a10: v128, a11: v128,
): f32 {
  a0 = f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3));
  a4 = f32x4.add(f32x4.add(a4, a5), f32x4.add(a6, a7));
  a8 = f32x4.add(f32x4.add(a8, a9), f32x4.add(a10, a11));
  return f32x4.extract_lane(f32x4.add(f32x4.add(a0, a4), a8), 0);
}

/**
 * Seven accumulators += one weight × seven vectors of x, like the sparse kernels, `n` times over `steps` weights: x
 * holds 28 floats per weight, packed. 56 floating-point operations per step.
 */
export function load_mul_add(n: u32, x: usize, weights: usize, steps: u32): f32 {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0;
  for (; n != 0; n--) {
    let p = x;
    let w = weights;
    for (const end = w + 4 * steps; w != end; w += 4) {
      const weight = v128.load32_splat(w);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p), weight));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p, 16), weight));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p, 32), weight));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p, 48), weight));
      a4 = f32x4.add(a4, f32x4.mul(v128.load(p, 64), weight));
      a5 = f32x4.add(a5, f32x4.mul(v128.load(p, 80), weight));
      a6 = f32x4.add(a6, f32x4.mul(v128.load(p, 96), weight));
      p += 112;
    }
  }
  a0 = f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3));
  return f32x4.extract_lane(f32x4.add(a0, f32x4.add(f32x4.add(a4, a5), a6)), 0);
}

/** y (bytes) = x (bytes), `n` times; bytes is a multiple of 64. */
export function copy(n: u32, x: usize, y: usize, bytes: usize): void {
  for (; n != 0; n--) {
    let p = x;
    let q = y;
    for (const end = x + bytes; p != end; p += 64) {
      const a = v128.load(p);
      const b = v128.load(p, 16);
      const c = v128.load(p, 32);
      const d = v128.load(p, 48);
      v128.store(q, a);
      v128.store(q, b, 16);
      v128.store(q, c, 32);
      v128.store(q, d, 48);
      q += 64;
    }
  }
}

/** Reads `bytes` bytes, `n` times; bytes is a multiple of 64. */
export function read(n: u32, x: usize, bytes: usize): i32 {
  let a = i32x4.splat(0);
  let b = a, c = a, d = a;
  for (; n != 0; n--) {
    let p = x;
    for (const end = x + bytes; p != end; p += 64) {
      a = v128.or(a, v128.load(p));
      b = v128.or(b, v128.load(p, 16));
      c = v128.or(c, v128.load(p, 32));
      d = v128.or(d, v128.load(p, 48));
    }
  }
  return i32x4.extract_lane(v128.or(v128.or(a, b), v128.or(c, d)), 0);
}
