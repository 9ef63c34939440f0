// Symmetric positive definite systems in f64: A = L Lᵀ, rows of `ld` doubles. All large operations are products of rows
// (dots).
import { dot, dots } from './dots';

const block: u32 = 16;

/**
 * A (n, n) → L in the lower triangle, diagonal included; only that triangle is read. The upper triangle is unchanged
 * except in the square blocks on the diagonal.
 * @returns 0, or 1 + the row whose pivot is not above `least` (A is overwritten then)
 */
export function cholesky(a: usize, n: u32, ld: u32, least: f64): u32 {
  const row: usize = 8 * ld;
  for (let from: u32 = 0; from < n; from += block) {
    const to = min(n, from + block);
    const corner = a + from * row + 8 * from;
    // this block's columns, minus what the columns before explain
    dots(n - from, to - from, from, a + from * row, ld, a + from * row, ld, corner, ld, 1, -1);
    for (let i = from; i < n; i++) {
      const line = a + i * row;
      const last = min(i + 1, to);
      for (let j = from; j < last; j++) {
        const at = line + 8 * j;
        const rest = load<f64>(at) - dot(line + 8 * from, a + j * row + 8 * from, j - from);
        if (j == i) {
          if (!(rest > least)) return i + 1;
          store<f64>(at, Math.sqrt(rest));
        } else store<f64>(at, rest / load<f64>(a + j * row + 8 * j));
      }
    }
  }
  return 0;
}

/** b (count, n), rows `ldb` doubles apart → x with L Lᵀ x = b, in place. */
export function solve(l: usize, n: u32, ld: u32, b: usize, count: u32, ldb: u32): void {
  const row: usize = 8 * ld;
  for (; count != 0; count--) {
    for (let i: u32 = 0; i < n; i++) {
      const line = l + i * row;
      store<f64>(b + 8 * i, (load<f64>(b + 8 * i) - dot(line, b, i)) / load<f64>(line + 8 * i));
    }
    for (let i = n; i-- != 0;) {
      const line = l + i * row;
      const x = load<f64>(b + 8 * i) / load<f64>(line + 8 * i);
      store<f64>(b + 8 * i, x);
      subtract(b, line, i, x);
    }
    b += 8 * ldb;
  }
}

/** b (n) −= x · l (n). */
function subtract(b: usize, l: usize, n: u32, x: f64): void {
  const factor = f64x2.splat(x);
  const end = b + 8 * (n & ~1);
  for (; b != end; b += 16) {
    v128.store(b, f64x2.sub(v128.load(b), f64x2.mul(v128.load(l), factor)));
    l += 16;
  }
  if (n & 1) store<f64>(b, load<f64>(b) - load<f64>(l) * x);
}

/**
 * L (n, n) → (L Lᵀ)⁻¹, both triangles, into `to`. `u` (n, n) is memory for L⁻ᵀ. All three have rows of `ld` doubles.
 */
export function inverse(l: usize, n: u32, ld: u32, u: usize, to: usize): void {
  const row: usize = 8 * ld;
  for (let j: u32 = 0; j < n; j++) memory.fill(u + j * row, 0, 8 * j);
  // u[j][i] = L⁻¹[i][j]: row j of u is a column of L⁻¹
  for (let from: u32 = 0; from < n; from += block) {
    const end = min(n, from + block);
    for (let j: u32 = 0; j < from; j += 64) {
      const rows = min(64, from - j);
      const at = u + j * row;
      // u is zero left of its diagonal
      dots(rows, end - from, from - j, at + 8 * j, ld, l + from * row + 8 * j, ld, at + 8 * from, ld, 0, -1);
    }
    for (let j: u32 = 0; j < end; j++) {
      const line = u + j * row;
      for (let i = max(from, j); i < end; i++) {
        const first = max(from, j);
        const given = j < from ? load<f64>(line + 8 * i) : i == j ? 1 : 0;
        const rest = given - dot(l + i * row + 8 * first, line + 8 * first, i - first);
        store<f64>(line + 8 * i, rest / load<f64>(l + i * row + 8 * i));
      }
    }
  }
  for (let from: u32 = 0; from < n; from += block) {
    const end = min(n, from + block);
    dots(
      end - from, end, n - from, u + from * row + 8 * from, ld, u + 8 * from, ld, to + from * row, ld, 0, 1,
    );
  }
  for (let i: u32 = 0; i < n; i++) {
    for (let j: u32 = i + 1; j < n; j++) store<f64>(to + i * row + 8 * j, load<f64>(to + j * row + 8 * i));
  }
}

/** A[i][j] = H[at[i]][at[j]], lower triangle; `at` is `count` u32 in ascending order. */
export function lower_part(h: usize, ldh: u32, at: usize, count: u32, a: usize, lda: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const line = h + 8 * load<u32>(at + 4 * i) * ldh;
    const to = a + 8 * i * lda;
    for (let j: u32 = 0; j <= i; j++) store<f64>(to + 8 * j, load<f64>(line + 8 * load<u32>(at + 4 * j)));
  }
}
