// Sums → bytes in quads, or planes of floats.
import { storeLanes } from '../elementwise/lanes';
import { DotRecord } from '../generated/records';

/** 1.5 · 2²³: adding it rounds a number to the nearest integer, ties to even. In memory, because V8 remakes a literal at each use. */
const magic = memory.data<f32>([12582912, 12582912, 12582912, 12582912], 16);
export const magicBits: i32 = 0x4b400000;

/**
 * round(sum · scale) + zero as an integer, for `offset` = magicBits − zero. The product is less than 2²², which is seen to when
 * weights are packed (`sumsFit` of src/lower/blocks.ts).
 */
// @ts-ignore: decorator
@inline
export function rounded(sum: v128, scale: v128, offset: v128): v128 {
  const v = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), scale), v128.load(magic));
  return i32x4.sub(v, offset);
}

/** Four vectors of integers as clamped bytes, one after the other. */
// @ts-ignore: decorator
@inline
export function packed(a: v128, b: v128, c: v128, d: v128, lo: v128, hi: v128): v128 {
  const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
  return i8x16.min_u(i8x16.max_u(bytes, lo), hi);
}

/** In scratch, behind four rows of sums and what is made of them, of at most 13 vectors each. */
export const bounds: usize = 1664;

/** Writes the vectors that every tile needs: magicBits − zero, and the bounds of bytes or floats. */
export function prepare(r: DotRecord): void {
  const to = r.scratch + bounds;
  v128.store(to, i32x4.splat(magicBits - <i32>r.zero));
  const isFloat = r.floats != 0;
  v128.store(to, isFloat ? f32x4.splat(r.low) : i8x16.splat(<i8>r.low), 16);
  v128.store(to, isFloat ? f32x4.splat(r.high) : i8x16.splat(<i8>r.high), 32);
}

/** Words of four pixels from four rows of sums. */
// @ts-ignore: decorator
@inline
export function quads(a: v128, b: v128, c: v128, d: v128, scales: usize, bounds: usize): v128 {
  const offset = v128.load(bounds);
  const p = packed(
    rounded(a, v128.load32_splat(scales), offset),
    rounded(b, v128.load32_splat(scales, 4), offset),
    rounded(c, v128.load32_splat(scales, 8), offset),
    rounded(d, v128.load32_splat(scales, 12), offset),
    v128.load(bounds, 16),
    v128.load(bounds, 32),
  );
  return i8x16.shuffle(p, p, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

/** Whether all of a tile's bytes lie side by side where they go. */
export function isWhole(vectors: u32, count: u32, column: u32, r: DotRecord): bool {
  return count == 4 * vectors && column + count <= r.width && r.floats == 0;
}

// @ts-ignore: decorator
@inline
function lookUpWord(x: usize, y: usize, table: usize): void {
  store<u8>(y, load<u8>(table + load<u8>(x)));
  store<u8>(y, load<u8>(table + load<u8>(x, 1)), 1);
  store<u8>(y, load<u8>(table + load<u8>(x, 2)), 2);
  store<u8>(y, load<u8>(table + load<u8>(x, 3)), 3);
}

/** Each byte of `count` words of x → its entry in a table of 256 bytes. */
export function lookUp(x: usize, y: usize, count: u32, table: usize): void {
  for (; count >= 4; count -= 4) {
    lookUpWord(x, y, table);
    lookUpWord(x + 4, y + 4, table);
    lookUpWord(x + 8, y + 8, table);
    lookUpWord(x + 12, y + 12, table);
    x += 16;
    y += 16;
  }
  for (; count != 0; count--) {
    lookUpWord(x, y, table);
    x += 4;
    y += 4;
  }
}

// @ts-ignore: decorator
@inline
function copyWords(from: usize, to: usize, count: u32): void {
  for (; count >= 4; count -= 4) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
  }
  if (count != 0) storeLanes(to, v128.load(from), count);
}

/** Words of `count` positions, from `column` of a padded row on, without those between rows of outputs; what the table has for them. */
function spread(from: usize, to: usize, count: u32, column: u32, r: DotRecord): void {
  for (;;) {
    if (column < r.width) {
      const words = min(r.width - column, count);
      // straight to its place: vectors that are read where bytes have just been stored wait for them
      if (r.look != 0) lookUp(from, to, words, r.table);
      else copyWords(from, to, words);
      to += 4 * words;
    }
    const rest = r.rowPixels - column;
    if (r.rowPixels == 0 || rest >= count) return;
    count -= rest;
    from += 4 * rest;
    column = 0;
  }
}

/**
 * Writes a tile of four rows. sums (4, vectors, 4 pixels); `y` is where the first row's first position belongs, `row` the first
 * row's number.
 */
export function finish(
  sums: usize,
  vectors: u32,
  scales: usize,
  y: usize,
  count: u32,
  column: u32,
  row: u32,
  r: DotRecord,
): void {
  const bytes: usize = 16 * vectors;
  let out: usize = r.scratch + 832;
  const end = sums + bytes;
  const limits = r.scratch + bounds;
  if (r.floats != 0) {
    const lo = v128.load(limits, 16);
    const hi = v128.load(limits, 32);
    y += row * r.yPlane;
    for (let rows = min(r.rows - row, 4); rows != 0; rows--) {
      const s = v128.load32_splat(scales);
      for (let z: usize = 0; z < bytes; z += 16) {
        const v = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums + z)), s);
        v128.store(out + z, f32x4.pmin(f32x4.pmax(v, lo), hi));
      }
      spread(out, y, count, column, r);
      sums += bytes;
      scales += 4;
      y += r.yPlane;
    }
    return;
  }
  y += (row >> 2) * r.yPlane;
  const whole = r.look == 0 && isWhole(vectors, count, column, r);
  if (whole) out = y;
  for (let to = out; sums < end; to += 16) {
    const b = sums + bytes;
    const c = b + bytes;
    v128.store(to, quads(v128.load(sums), v128.load(b), v128.load(c), v128.load(c + bytes), scales, limits));
    sums += 16;
  }
  if (!whole) spread(out, y, count, column, r);
}
