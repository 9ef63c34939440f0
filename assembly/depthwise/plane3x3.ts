// 3×3 over one plane, in vertical strips of 4 pixels, with the nine weights in registers. An input row is loaded once
// for all output rows that use it. The last strip overlaps the one before: planes are at least 4 pixels wide.
//
// `missing` says which borders of one pixel the plane lacks: their columns are masked in the first and in the last
// strip, their rows are skipped.
import { DepthwiseRecord } from '../generated/records';
import { madd } from '../madd';

export const missingTop: u32 = 1;
export const missingLeft: u32 = 2;
export const missingBottom: u32 = 4;
export const missingRight: u32 = 8;

/**
 * sum + u·w0 + v·w1 + z·w2: nine multiply-adds for an output, one behind the other. Outputs do not wait for each other, and no
 * addition is wasted.
 */
// @ts-ignore: decorator
@inline
function row3(sum: v128, u: v128, w0: v128, v: v128, w1: v128, z: v128, w2: v128): v128 {
  return madd(z, w2, madd(v, w1, madd(u, w0, sum)));
}

// @ts-ignore: decorator
@inline
function leftMask(missing: u32, first: bool): v128 {
  return first && missing & missingLeft ? i32x4(0, -1, -1, -1) : i32x4.splat(-1);
}

// @ts-ignore: decorator
@inline
function rightMask(missing: u32, last: bool): v128 {
  return last && missing & missingRight ? i32x4(-1, -1, -1, 0) : i32x4.splat(-1);
}

/** A strip of plane3x3: two output rows have partial sums at a time; they move up by one with each input row. */
// @ts-ignore: decorator
@inline
function strip(
  x: usize, row: usize, y: usize, yRow: usize, height: u32, missing: u32, bias: v128,
  w00: v128, w01: v128, w02: v128, w10: v128, w11: v128, w12: v128, w20: v128, w21: v128, w22: v128,
  lo: v128, hi: v128, edge: bool, left: v128, right: v128,
): void {
  let a = bias;
  let b = bias;
  for (let i: u32 = missing & missingTop ? 1 : 2; i != 0; i--) {
    let u = v128.load(x);
    const v = v128.load(x, 4);
    let z = v128.load(x, 8);
    if (edge) {
      u = v128.and(u, left);
      z = v128.and(z, right);
    }
    a = row3(b, u, w10, v, w11, z, w12);
    b = row3(bias, u, w00, v, w01, z, w02);
    x += row;
  }
  if (missing & missingBottom) height--;
  for (; height != 0; height--) {
    let u = v128.load(x);
    const v = v128.load(x, 4);
    let z = v128.load(x, 8);
    if (edge) {
      u = v128.and(u, left);
      z = v128.and(z, right);
    }
    v128.store(y, f32x4.pmin(f32x4.pmax(row3(a, u, w20, v, w21, z, w22), lo), hi));
    a = row3(b, u, w10, v, w11, z, w12);
    b = row3(bias, u, w00, v, w01, z, w02);
    x += row;
    y += yRow;
  }
  if (missing & missingBottom) v128.store(y, f32x4.pmin(f32x4.pmax(a, lo), hi));
}

/** x: rows of `row` bytes, weights: bias, then 3×3. */
export function plane3x3(r: DepthwiseRecord, x: usize, row: usize, missing: u32, weights: usize, y: usize): void {
  const bias = v128.load32_splat(weights);
  const w00 = v128.load32_splat(weights, 4), w01 = v128.load32_splat(weights, 8), w02 = v128.load32_splat(weights, 12);
  const w10 = v128.load32_splat(weights, 16), w11 = v128.load32_splat(weights, 20), w12 = v128.load32_splat(weights, 24);
  const w20 = v128.load32_splat(weights, 28), w21 = v128.load32_splat(weights, 32), w22 = v128.load32_splat(weights, 36);
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const yRow: usize = 4 * r.width;
  const last = yRow - 16;
  if (missing & missingLeft) x -= 4;
  for (let j: usize = 0; ; j = min<usize>(j + 16, last)) {
    const p = x + j;
    const q = y + j;
    if (j == 0 || j == last) {
      const left = leftMask(missing, j == 0);
      const right = rightMask(missing, j == last);
      strip(p, row, q, yRow, r.height, missing, bias, w00, w01, w02, w10, w11, w12, w20, w21, w22, lo, hi, true, left, right);
    } else {
      strip(p, row, q, yRow, r.height, missing, bias, w00, w01, w02, w10, w11, w12, w20, w21, w22, lo, hi, false, lo, lo);
    }
    if (j == last) break;
  }
}

// @ts-ignore: decorator
@inline
function evens(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function odds(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 1, 3, 5, 7);
}

/** A strip of plane3x3s2: an input row between two output rows belongs to both. */
// @ts-ignore: decorator
@inline
function strip2(
  x: usize, row: usize, y: usize, yRow: usize, height: u32, missing: u32, bias: v128,
  w00: v128, w01: v128, w02: v128, w10: v128, w11: v128, w12: v128, w20: v128, w21: v128, w22: v128,
  lo: v128, hi: v128, edge: bool, left: v128, right: v128,
): void {
  let a = bias;
  if (!(missing & missingTop)) {
    const s = v128.load(x);
    const t = v128.load(x, 16);
    let u = evens(s, t);
    const v = odds(s, t);
    let z = i32x4.shuffle(u, v128.load(x, 32), 1, 2, 3, 4);
    if (edge) {
      u = v128.and(u, left);
      z = v128.and(z, right);
    }
    a = row3(bias, u, w00, v, w01, z, w02);
    x += row;
  }
  for (;;) {
    const s = v128.load(x);
    const t = v128.load(x, 16);
    let u = evens(s, t);
    const v = odds(s, t);
    let z = i32x4.shuffle(u, v128.load(x, 32), 1, 2, 3, 4);
    if (edge) {
      u = v128.and(u, left);
      z = v128.and(z, right);
    }
    a = row3(a, u, w10, v, w11, z, w12);
    x += row;
    if (--height == 0 && missing & missingBottom) break;
    const s2 = v128.load(x);
    const t2 = v128.load(x, 16);
    let u2 = evens(s2, t2);
    const v2 = odds(s2, t2);
    let z2 = i32x4.shuffle(u2, v128.load(x, 32), 1, 2, 3, 4);
    if (edge) {
      u2 = v128.and(u2, left);
      z2 = v128.and(z2, right);
    }
    a = row3(a, u2, w20, v2, w21, z2, w22);
    if (height == 0) break;
    v128.store(y, f32x4.pmin(f32x4.pmax(a, lo), hi));
    a = row3(bias, u2, w00, v2, w01, z2, w02);
    x += row;
    y += yRow;
  }
  v128.store(y, f32x4.pmin(f32x4.pmax(a, lo), hi));
}

/** Like plane3x3, with a stride of 2 both ways. */
export function plane3x3s2(r: DepthwiseRecord, x: usize, row: usize, missing: u32, weights: usize, y: usize): void {
  const bias = v128.load32_splat(weights);
  const w00 = v128.load32_splat(weights, 4), w01 = v128.load32_splat(weights, 8), w02 = v128.load32_splat(weights, 12);
  const w10 = v128.load32_splat(weights, 16), w11 = v128.load32_splat(weights, 20), w12 = v128.load32_splat(weights, 24);
  const w20 = v128.load32_splat(weights, 28), w21 = v128.load32_splat(weights, 32), w22 = v128.load32_splat(weights, 36);
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const yRow: usize = 4 * r.width;
  const last = yRow - 16;
  if (missing & missingLeft) x -= 4;
  for (let j: usize = 0; ; j = min<usize>(j + 16, last)) {
    const p = x + 2 * j;
    const q = y + j;
    if (j == 0 || j == last) {
      const left = leftMask(missing, j == 0);
      const right = rightMask(missing, j == last);
      strip2(p, row, q, yRow, r.height, missing, bias, w00, w01, w02, w10, w11, w12, w20, w21, w22, lo, hi, true, left, right);
    } else {
      strip2(p, row, q, yRow, r.height, missing, bias, w00, w01, w02, w10, w11, w12, w20, w21, w22, lo, hi, false, lo, lo);
    }
    if (j == last) break;
  }
}
