// y (batch, rows) = act(W (rows, columns) · x (batch, columns)), W in integers of 8 or 4 bits.
//
// A row is a list of groups of 16 consecutive columns; groups of zeros are left out. Sums are integers: x has 16 bits,
// with one scale per image (i16_linear_input).
//
//   row, 8 bits     groups | scale | bias | 0 | u16 group … up to a multiple of 16 bytes | 16 weights | 16 weights | …
//   row, 4 bits     groups | 1     | bias | 0 | u16 group, f32 scale, 16 weights | …       up to a multiple of 4 bytes
//   x, an image     scale | 0 | 0 | 0 | 16 inputs | 16 inputs | …                           the last ones filled up with zeros
//
// 4-bit weights: byte i of a group holds weight i in its low half and weight i + 8 in its high half.
import { activateRow } from '../elementwise/activate';
import { LinearInputRecord, LinearRecord } from '../generated/records';
import { madd } from '../madd';

/** Bytes of an image's 16-bit inputs. */
// @ts-ignore: decorator
@inline
function inputBytes(columns: u32): u32 {
  return 16 + ((columns + 15) / 16) * 32;
}

/** v · scale rounded to the nearest integer, within ±2²²: adding 1.5 · 2²³ leaves it in the low bits. */
// @ts-ignore: decorator
@inline
function rounded(v: v128, scale: v128): v128 {
  const magic = f32x4.splat(12582912);
  return i32x4.sub(f32x4.add(f32x4.mul(v, scale), magic), magic);
}

/**
 * x (batch, columns) → 16 bits, the largest magnitude at ±32767. Infinite or NaN inputs make the scale infinite or NaN.
 */
export function i16_linear_input(r: LinearInputRecord): void {
  const columns = r.columns;
  const bytes = inputBytes(columns);
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const end = x + 4 * columns;
    let p = x;
    // as integers, magnitudes have the order of floats, and those that are not finite are the largest
    let most = i32x4.splat(0);
    for (; p + 16 <= end; p += 16) most = i32x4.max_s(most, v128.and(v128.load(p), i32x4.splat(i32.MAX_VALUE)));
    for (; p < end; p += 4) most = i32x4.max_s(most, v128.and(v128.load32_splat(p), i32x4.splat(i32.MAX_VALUE)));
    most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
    most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
    // the bound prevents division by 0, and makes a step 3e-39 at least
    const perUnit = min<f32>(32767 / f32x4.extract_lane(most, 0), 3e38);
    let q = r.y + n * bytes;
    const stop = q + bytes;
    store<f32>(q, 1 / perUnit);
    const scale = f32x4.splat(perUnit);
    for (p = x, q += 16; p + 32 <= end; p += 32, q += 16) {
      v128.store(q, i16x8.narrow_i32x4_s(rounded(v128.load(p), scale), rounded(v128.load(p, 16), scale)));
    }
    for (; q < stop; p += 4, q += 2) {
      store<i16>(q, p < end ? i32x4.extract_lane(rounded(v128.load32_splat(p), scale), 0) : 0);
    }
  }
}

/** Sums over the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** One row's results for one image, from the sums in four lanes. */
function finish1(a: v128, row: usize, x: usize, y: usize): void {
  a = sums(a, a, a, a);
  store<f32>(y, f32x4.extract_lane(a, 0) * (load<f32>(row, 4) * load<f32>(x)) + load<f32>(row, 8));
}

/** One row's results for four images. */
function finish4(a: v128, b: v128, c: v128, d: v128, row: usize, x: usize, bytes: usize, y: usize, yBatch: usize): void {
  let scale = v128.load32_zero(x);
  scale = v128.load32_lane(x + bytes, scale, 1);
  scale = v128.load32_lane(x + 2 * bytes, scale, 2);
  scale = v128.load32_lane(x + 3 * bytes, scale, 3);
  scale = f32x4.mul(v128.load32_splat(row, 4), scale);
  const v = f32x4.add(f32x4.mul(sums(a, b, c, d), scale), v128.load32_splat(row, 8));
  v128.store32_lane(y, v, 0);
  v128.store32_lane(y + yBatch, v, 1);
  v128.store32_lane(y + 2 * yBatch, v, 2);
  v128.store32_lane(y + 3 * yBatch, v, 3);
}

/** The 16 products of a group in four lanes. */
// @ts-ignore: decorator
@inline
function dot(x: usize, lo: v128, hi: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(v128.load(x, 16), lo), i32x4.dot_i16x8_s(v128.load(x, 32), hi));
}

/** Address of a group's inputs, minus 16 bytes. */
// @ts-ignore: decorator
@inline
function groupAt(x: usize, o: usize): usize {
  return x + 32 * <usize>load<u16>(o);
}

/** Bytes of the positions of as many groups as a 32-bit sum can hold: 128 · 4 · 127 · 32767 < 2³¹. */
const summed: u32 = 2 * 128;

function i8_row(row: usize, x: usize, y: usize): void {
  let o = row + 16;
  const end = o + 2 * load<u32>(row);
  let w = (end + 15) & ~15;
  let f = f32x4.splat(0);
  while (o < end) {
    let a = i32x4.splat(0);
    for (const stop = min(o + summed, end); o < stop; o += 2) {
      a = i32x4.add(a, dot(groupAt(x, o), v128.load8x8_s(w), v128.load8x8_s(w, 8)));
      w += 16;
    }
    f = f32x4.add(f, f32x4.convert_i32x4_s(a));
  }
  finish1(f, row, x, y);
}

function i8_row_of_4(row: usize, x: usize, bytes: usize, y: usize, yBatch: usize): void {
  let o = row + 16;
  const end = o + 2 * load<u32>(row);
  let w = (end + 15) & ~15;
  let f0 = f32x4.splat(0);
  let f1 = f0;
  let f2 = f0;
  let f3 = f0;
  while (o < end) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    for (const stop = min(o + summed, end); o < stop; o += 2) {
      let p = groupAt(x, o);
      const lo = v128.load8x8_s(w);
      const hi = v128.load8x8_s(w, 8);
      a0 = i32x4.add(a0, dot(p, lo, hi));
      p += bytes;
      a1 = i32x4.add(a1, dot(p, lo, hi));
      p += bytes;
      a2 = i32x4.add(a2, dot(p, lo, hi));
      a3 = i32x4.add(a3, dot(p + bytes, lo, hi));
      w += 16;
    }
    f0 = f32x4.add(f0, f32x4.convert_i32x4_s(a0));
    f1 = f32x4.add(f1, f32x4.convert_i32x4_s(a1));
    f2 = f32x4.add(f2, f32x4.convert_i32x4_s(a2));
    f3 = f32x4.add(f3, f32x4.convert_i32x4_s(a3));
  }
  finish4(f0, f1, f2, f3, row, x, bytes, y, yBatch);
}

function i4_row(row: usize, x: usize, y: usize): void {
  let e = row + 16;
  let f = f32x4.splat(0);
  for (const end = e + 14 * load<u32>(row); e < end; e += 14) {
    const b = v128.load8x8_s(e, 6);
    const s = dot(groupAt(x, e), i16x8.shr_s(i16x8.shl(b, 12), 12), i16x8.shr_s(b, 4));
    f = madd(f32x4.convert_i32x4_s(s), v128.load32_splat(e, 2), f);
  }
  finish1(f, row, x, y);
}

function i4_row_of_4(row: usize, x: usize, bytes: usize, y: usize, yBatch: usize): void {
  let e = row + 16;
  let f0 = f32x4.splat(0);
  let f1 = f0;
  let f2 = f0;
  let f3 = f0;
  for (const end = e + 14 * load<u32>(row); e < end; e += 14) {
    let p = groupAt(x, e);
    const b = v128.load8x8_s(e, 6);
    const lo = i16x8.shr_s(i16x8.shl(b, 12), 12);
    const hi = i16x8.shr_s(b, 4);
    const scale = v128.load32_splat(e, 2);
    f0 = madd(f32x4.convert_i32x4_s(dot(p, lo, hi)), scale, f0);
    p += bytes;
    f1 = madd(f32x4.convert_i32x4_s(dot(p, lo, hi)), scale, f1);
    p += bytes;
    f2 = madd(f32x4.convert_i32x4_s(dot(p, lo, hi)), scale, f2);
    f3 = madd(f32x4.convert_i32x4_s(dot(p + bytes, lo, hi)), scale, f3);
  }
  finish4(f0, f1, f2, f3, row, x, bytes, y, yBatch);
}

/**
 * The loop over rows is outside, so that weights come from memory once; images are taken four at a time, so that
 * weights are widened once for four.
 */
function quantised(r: LinearRecord, isBytes: bool): void {
  const bytes = inputBytes(r.columns);
  let row = r.weights;
  for (let i: u32 = 0; i < r.rows; i++) {
    let x = r.x;
    let y = r.y + 4 * i;
    let left = r.batch;
    for (; left >= 4; left -= 4) {
      if (isBytes) i8_row_of_4(row, x, bytes, y, r.yBatch);
      else i4_row_of_4(row, x, bytes, y, r.yBatch);
      x += 4 * bytes;
      y += 4 * r.yBatch;
    }
    for (; left != 0; left--) {
      if (isBytes) i8_row(row, x, y);
      else i4_row(row, x, y);
      x += bytes;
      y += r.yBatch;
    }
    const groups = load<u32>(row);
    row += 16 + (isBytes ? ((2 * groups + 15) & ~15) + 16 * groups : (14 * groups + 3) & ~3);
  }
  for (let n: u32 = 0; n < r.batch; n++) {
    const y = r.y + n * r.yBatch;
    activateRow(y, y, r.rows, r.min, r.max, r.activation, r.alpha, r.beta);
  }
}

export function i8_linear(r: LinearRecord): void {
  quantised(r, true);
}

export function i4_linear(r: LinearRecord): void {
  quantised(r, false);
}
