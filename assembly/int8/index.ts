// y (rows, pixels) = act(scale · (W (rows, columns) · x (columns, pixels)) + bias), W and x in eight bits, sums in 32.
//
// x is planes of bytes 0…127, which i8_quantise makes from floats. W is −127…127, sparse in groups of 1, 2 or 4 rows
// that share positions; dense weights are groups of 4 with every position.
//
//   weights    bytes | scale0 bias0 … | offset offset … w0 w1 … | offset offset … w0 w1 … |    per group of rows: the bytes
//              bytes | scale0 bias0 … | …                        of its entries, scale and bias per row, then the entries
//
// An entry is two inputs (simd builds) or four (relaxed ones): their planes' offsets, in bytes from x, then for each
// row its weights side by side in 32 bits, as 16- or 8-bit integers. The last entry of a group is filled up with zeros.
// Rows beyond a multiple of the group are groups of one.
//
// relaxed_dot takes as its second operand bytes whose top bit is 0; then the sum of two products never saturates 16
// bits. Its result is the same on every host, and the same as i32x4.dot_i16x8_s.
import { Int8Record, QuantiseRecord } from '../generated/records';
import { rows_x1, rows_x2, rows_x4 } from '../generated/int8-tiles';

/** 1.5 · 2²³: adding it rounds a number to the nearest integer, ties to even. */
const magic: f32 = 12582912;

// @ts-ignore: decorator
@inline
function rounded(p: usize, scale: v128, lo: v128, hi: v128, offset: v128): v128 {
  // NaN counts as the least value: pmax and pmin return their first operand for unordered operands
  const v = f32x4.pmin(hi, f32x4.pmax(lo, f32x4.mul(v128.load(p), scale)));
  return i32x4.sub(f32x4.add(v, offset), i32x4.splat(reinterpret<i32>(magic)));
}

/** y = min(max(round(x · scale) + zero, 0), 127) in bytes, 16 pixels at a time. */
export function i8_quantise(r: QuantiseRecord): void {
  const scale = f32x4.splat(r.scale);
  const lo = f32x4.splat(-r.zero);
  const hi = f32x4.splat(127 - r.zero);
  const offset = f32x4.splat(magic + r.zero);
  let x = r.x;
  let y = r.y;
  for (let left = r.planes; left != 0; left--) {
    let p = x;
    for (let q = y, end = y + r.pixels; q < end; q += 16) {
      const a = i16x8.narrow_i32x4_s(rounded(p, scale, lo, hi, offset), rounded(p + 16, scale, lo, hi, offset));
      const b = i16x8.narrow_i32x4_s(rounded(p + 32, scale, lo, hi, offset), rounded(p + 48, scale, lo, hi, offset));
      v128.store(q, i8x16.narrow_i16x8_u(a, b));
      p += 64;
    }
    x += r.xPlane;
    y += r.yPlane;
  }
}

export function i8_spmm_16x1(r: Int8Record): void {
  for (let n: u32 = 0; n < r.batch; n++) rows_x1(r.x + n * r.xBatch, r.weights, r.y + n * r.yBatch, r.rows, r);
}

export function i8_spmm_8x2(r: Int8Record): void {
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const y = r.y + n * r.yBatch;
    const full = r.rows & ~1;
    const e = rows_x2(x, r.weights, y, full / 2, r);
    if (full != r.rows) rows_x1(x, e, y + full * r.yPlane, 1, r);
  }
}

export function i8_spmm_8x4(r: Int8Record): void {
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const y = r.y + n * r.yBatch;
    const full = r.rows & ~3;
    const e = rows_x4(x, r.weights, y, full / 4, r);
    if (full != r.rows) rows_x1(x, e, y + full * r.yPlane, r.rows - full, r);
  }
}

/**
 * c + 4·a·b, a −128…127, b 0…127, by the instruction that relaxed builds use. Liftoff in V8 before 12 (Node 21, Node 20
 * with a flag) compiles it wrongly: it overwrites c when c is not a local.
 */
export function i8_dot(a: i32, b: i32, c: i32): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return c + 4 * a * b;
  const sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(i8x16.splat(a as i8), i8x16.splat(b as i8), i32x4.splat(c));
  return i32x4.extract_lane(sum, 0);
}
