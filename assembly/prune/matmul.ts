// y (rows, n) = x (rows, k) · M (k, n) in f32, M in panels of 8 columns.

/** Rows of M taken at a time: a panel of them, and four rows of x, fit in the first-level cache. */
const depth: u32 = 512;

// @ts-ignore: decorator
@inline
function tile4x8(x: usize, ld: usize, m: usize, k: u32, y: usize, ldy: usize, first: bool): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  if (!first) {
    a0 = v128.load(y);
    a1 = v128.load(y, 16);
    b0 = v128.load(y + ldy);
    b1 = v128.load(y + ldy, 16);
    c0 = v128.load(y + 2 * ldy);
    c1 = v128.load(y + 2 * ldy, 16);
    d0 = v128.load(y + 3 * ldy);
    d1 = v128.load(y + 3 * ldy, 16);
  }
  const x1 = x + ld;
  const x2 = x1 + ld;
  const x3 = x2 + ld;
  const bytes: usize = 4 * k;
  for (let p: usize = 0; p != bytes; p += 4) {
    const m0 = v128.load(m);
    const m1 = v128.load(m, 16);
    m += 32;
    let w = v128.load32_splat(x + p);
    a0 = f32x4.add(a0, f32x4.mul(w, m0));
    a1 = f32x4.add(a1, f32x4.mul(w, m1));
    w = v128.load32_splat(x1 + p);
    b0 = f32x4.add(b0, f32x4.mul(w, m0));
    b1 = f32x4.add(b1, f32x4.mul(w, m1));
    w = v128.load32_splat(x2 + p);
    c0 = f32x4.add(c0, f32x4.mul(w, m0));
    c1 = f32x4.add(c1, f32x4.mul(w, m1));
    w = v128.load32_splat(x3 + p);
    d0 = f32x4.add(d0, f32x4.mul(w, m0));
    d1 = f32x4.add(d1, f32x4.mul(w, m1));
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y + ldy, b0);
  v128.store(y + ldy, b1, 16);
  v128.store(y + 2 * ldy, c0);
  v128.store(y + 2 * ldy, c1, 16);
  v128.store(y + 3 * ldy, d0);
  v128.store(y + 3 * ldy, d1, 16);
}

/** rows is a multiple of 4, ldx and ldy (floats from row to row) at least k and 8 · panels. m: see pack_panels. */
export function matmul(rows: u32, k: u32, x: usize, ldx: u32, m: usize, panels: u32, y: usize, ldy: u32): void {
  for (let from: u32 = 0; from < k || from == 0; from += depth) {
    const some = min(depth, k - from);
    for (let q: u32 = 0; q < panels; q++) {
      const panel = m + 32 * (q * k + from);
      for (let i: u32 = 0; i < rows; i += 4) {
        tile4x8(x + 4 * (i * ldx + from), 4 * ldx, panel, some, y + 4 * (i * ldy + 8 * q), 4 * ldy, from == 0);
      }
    }
  }
}

/** M (k, n) f64, rows of `ld` doubles → panels (⌈n / 8⌉, k, 8) f32, filled up with zeros behind the last column. */
export function pack_panels(m: usize, k: u32, n: u32, ld: u32, to: usize): void {
  for (let from: u32 = 0; from < n; from += 8) {
    const columns = min(8, n - from);
    for (let i: u32 = 0; i < k; i++) {
      const line = m + 8 * (i * ld + from);
      for (let j: u32 = 0; j < 8; j++) store<f32>(to + 4 * j, j < columns ? <f32>load<f64>(line + 8 * j) : 0);
      to += 32;
    }
  }
}
