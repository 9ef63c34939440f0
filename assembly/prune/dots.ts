// Products of f64 matrices; both operands' rows run along the sum.

// @ts-ignore: decorator
@inline
function put(c: usize, sum: v128, keep: f64, sign: f64): void {
  const total = sign * (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
  store<f64>(c, keep != 0 ? keep * load<f64>(c) + total : total);
}

/**
 * C (m, n) = keep · C + sign · A (m, k) · B (n, k)ᵀ. Rows are `lda`, `ldb`, `ldc` doubles apart. With keep 0, C may
 * hold anything.
 */
export function dots(
  m: u32, n: u32, k: u32, a: usize, lda: u32, b: usize, ldb: u32, c: usize, ldc: u32, keep: f64, sign: f64,
): void {
  const aRow: usize = 8 * lda;
  const bRow: usize = 8 * ldb;
  const cRow: usize = 8 * ldc;
  const bytes: usize = 8 * (k & ~1);
  const odd = k & 1;
  for (let i: u32 = 0; i < m; i += 4) {
    // rows beyond the last repeat it and are not stored
    const rows = m - i;
    const a0 = a + i * aRow;
    const a1 = rows > 1 ? a0 + aRow : a0;
    const a2 = rows > 2 ? a1 + aRow : a1;
    const a3 = rows > 3 ? a2 + aRow : a2;
    for (let j: u32 = 0; j < n; j += 2) {
      const columns = n - j;
      const b0 = b + j * bRow;
      const b1 = columns > 1 ? b0 + bRow : b0;
      let s00 = f64x2.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
      let p: usize = 0;
      for (; p != bytes; p += 16) {
        const x = v128.load(b0 + p);
        const y = v128.load(b1 + p);
        let w = v128.load(a0 + p);
        s00 = f64x2.add(s00, f64x2.mul(w, x));
        s01 = f64x2.add(s01, f64x2.mul(w, y));
        w = v128.load(a1 + p);
        s10 = f64x2.add(s10, f64x2.mul(w, x));
        s11 = f64x2.add(s11, f64x2.mul(w, y));
        w = v128.load(a2 + p);
        s20 = f64x2.add(s20, f64x2.mul(w, x));
        s21 = f64x2.add(s21, f64x2.mul(w, y));
        w = v128.load(a3 + p);
        s30 = f64x2.add(s30, f64x2.mul(w, x));
        s31 = f64x2.add(s31, f64x2.mul(w, y));
      }
      if (odd) {
        const x = v128.load64_zero(b0 + p);
        const y = v128.load64_zero(b1 + p);
        let w = v128.load64_zero(a0 + p);
        s00 = f64x2.add(s00, f64x2.mul(w, x));
        s01 = f64x2.add(s01, f64x2.mul(w, y));
        w = v128.load64_zero(a1 + p);
        s10 = f64x2.add(s10, f64x2.mul(w, x));
        s11 = f64x2.add(s11, f64x2.mul(w, y));
        w = v128.load64_zero(a2 + p);
        s20 = f64x2.add(s20, f64x2.mul(w, x));
        s21 = f64x2.add(s21, f64x2.mul(w, y));
        w = v128.load64_zero(a3 + p);
        s30 = f64x2.add(s30, f64x2.mul(w, x));
        s31 = f64x2.add(s31, f64x2.mul(w, y));
      }
      const to = c + i * cRow + 8 * j;
      put(to, s00, keep, sign);
      if (rows > 1) put(to + cRow, s10, keep, sign);
      if (rows > 2) put(to + 2 * cRow, s20, keep, sign);
      if (rows > 3) put(to + 3 * cRow, s30, keep, sign);
      if (columns > 1) {
        put(to + 8, s01, keep, sign);
        if (rows > 1) put(to + cRow + 8, s11, keep, sign);
        if (rows > 2) put(to + 2 * cRow + 8, s21, keep, sign);
        if (rows > 3) put(to + 3 * cRow + 8, s31, keep, sign);
      }
    }
  }
}

/** Σ a[i] · b[i] of n doubles. */
export function dot(a: usize, b: usize, n: u32): f64 {
  let s0 = f64x2.splat(0), s1 = s0;
  const end = a + 8 * (n & ~3);
  for (; a != end; a += 32) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(a), v128.load(b)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
    b += 32;
  }
  s0 = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
  for (n &= 3; n != 0; n--) {
    sum += load<f64>(a) * load<f64>(b);
    a += 8;
    b += 8;
  }
  return sum;
}
