// Values in bytes, four channels side by side ("quads"): x (⌈C/4⌉, pixels, 4), planes of words. A byte q stands for the
// real number scale · (q − zero). What lies in a word beyond the last channel is any byte.
//
// Sums and products are exact integers or floats that are rounded as often in every build, so all builds give the same bits.
import {
  AverageQuadsRecord,
  BinaryQuadsRecord,
  ChannelsRecord,
  FromBytesRecord,
  FromFloatsRecord,
  MeanQuadsRecord,
  TableRecord,
  ToFloatsRecord,
} from '../generated/records';
import { storeLanes } from '../elementwise/lanes';

/** 1.5 · 2²³: adding it rounds a number to the nearest integer, ties to even. */
const magic: f32 = 12582912;

/** The integer nearest to v, ties to even, plus `zero`. `shift` is shiftFor(zero). NaN counts as the least. */
// @ts-ignore: decorator
@inline
function rounded(v: v128, lo: v128, hi: v128, shift: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.pmin(hi, f32x4.pmax(lo, v)), f32x4.splat(magic)), shift);
}

// @ts-ignore: decorator
@inline
function shiftFor(zero: f32): v128 {
  return i32x4.splat(reinterpret<i32>(magic) - <i32>zero);
}

/** Four vectors of integers 0…255 as bytes. */
// @ts-ignore: decorator
@inline
function narrowed(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** Word i of a vector as four integers. */
// @ts-ignore: decorator
@inline
function integers(x: v128, i: i32): v128 {
  const half = i < 2 ? i16x8.extend_low_i8x16_u(x) : i16x8.extend_high_i8x16_u(x);
  return i & 1 ? i32x4.extend_high_i16x8_u(half) : i32x4.extend_low_i16x8_u(half);
}

/** Stores a vector of words, or its first `left`, if they are fewer than four. */
// @ts-ignore: decorator
@inline
function put(y: usize, v: v128, left: u32): void {
  if (left < 4) storeLanes(y, v, left);
  else v128.store(y, v);
}

/** Planes of floats → quads: min(max(round(x · scale) + zero, low), high). */
export function i8_from_f32(r: FromFloatsRecord): void {
  const scale = f32x4.splat(r.scale);
  const lo = f32x4.splat(r.low - r.zero);
  const hi = f32x4.splat(r.high - r.zero);
  const shift = shiftFor(r.zero);
  const plane: usize = r.xPlane;
  let x = r.x;
  let y = r.y;
  for (let c: u32 = 0; c < r.channels; c += 4) {
    // channels that are not there repeat the last one
    const more = min<u32>(r.channels - c - 1, 3);
    const x1 = x + (more > 0 ? plane : 0);
    const x2 = x1 + (more > 1 ? plane : 0);
    const x3 = x2 + (more > 2 ? plane : 0);
    for (let i: u32 = 0; i < r.pixels; i += 4) {
      const at: usize = 4 * i;
      let v = rounded(f32x4.mul(v128.load(x + at), scale), lo, hi, shift);
      v = v128.or(v, i32x4.shl(rounded(f32x4.mul(v128.load(x1 + at), scale), lo, hi, shift), 8));
      v = v128.or(v, i32x4.shl(rounded(f32x4.mul(v128.load(x2 + at), scale), lo, hi, shift), 16));
      v = v128.or(v, i32x4.shl(rounded(f32x4.mul(v128.load(x3 + at), scale), lo, hi, shift), 24));
      put(y + at, v, r.pixels - i);
    }
    x += 4 * plane;
    y += r.yPlane;
  }
}

/** The words at x and after each of three steps; of the steps, the first `more` are taken. */
// @ts-ignore: decorator
@inline
function words(x: usize, step: usize, more: u32): v128 {
  let v = v128.load32_zero(x);
  x += more > 0 ? step : 0;
  v = v128.load32_lane(x, v, 1);
  x += more > 1 ? step : 0;
  v = v128.load32_lane(x, v, 2);
  return v128.load32_lane(x + (more > 2 ? step : 0), v, 3);
}

/** Bytes, by pixels or by channels, → quads. Adding 128 makes int8 unsigned: it turns the highest bit. */
export function i8_from_bytes(r: FromBytesRecord): void {
  const byPixels = r.xChannel == 1;
  const shift = i8x16.splat(<i8>r.shift);
  let x = r.x;
  let y = r.y;
  for (let c: u32 = 0; c < r.channels; c += 4) {
    let p = x;
    for (let i: u32 = 0; i < r.pixels; i += 4) {
      // pixels and channels that are not there repeat the last one
      let v: v128;
      if (byPixels) v = words(p, r.xPixel, r.pixels - i - 1);
      else {
        const planes = words(p, r.xChannel, r.channels - c - 1);
        v = i8x16.shuffle(planes, planes, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
      }
      put(y + 4 * i, v128.xor(v, shift), r.pixels - i);
      p += 4 * r.xPixel;
    }
    x += 4 * r.xChannel;
    y += r.yPlane;
  }
}

/** Quads → planes of floats: (x − zero) · scale. */
export function i8_to_f32(r: ToFloatsRecord): void {
  const scale = f32x4.splat(r.scale);
  const zero = i32x4.splat(r.zero);
  let y = r.y;
  for (let c: u32 = 0; c < r.channels; c++) {
    const x = r.x + (c >> 2) * r.xPlane;
    const shift = 8 * (c & 3);
    for (let i: u32 = 0; i < r.pixels; i += 4) {
      const q = v128.and(i32x4.shr_u(v128.load(x + 4 * i), shift), i32x4.splat(255));
      put(y + 4 * i, f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q, zero)), scale), r.pixels - i);
    }
    y += r.yPlane;
  }
}

/** Bytes of 16 entries of the table, for indices from `first` on; 0 for others. */
// @ts-ignore: decorator
@inline
function looked(x: v128, table: usize, first: i32): v128 {
  return i8x16.swizzle(v128.load(table + first), i8x16.sub(x, i8x16.splat(first as i8)));
}

// @ts-ignore: decorator
@inline
function looked128(x: v128, table: usize): v128 {
  const a = v128.or(looked(x, table, 0), looked(x, table, 16));
  const b = v128.or(looked(x, table, 32), looked(x, table, 48));
  const c = v128.or(looked(x, table, 64), looked(x, table, 80));
  const d = v128.or(looked(x, table, 96), looked(x, table, 112));
  return v128.or(v128.or(a, b), v128.or(c, d));
}

/** y = table[x]; the table has 256 bytes. */
export function i8_table(r: TableRecord): void {
  let x = r.x;
  let y = r.y;
  for (let left: i32 = r.words; left > 0; left -= 4) {
    const v = v128.load(x);
    let t = looked128(v, r.table);
    if (v128.any_true(i8x16.lt_s(v, i8x16.splat(0)))) {
      t = v128.or(t, looked128(v128.xor(v, i8x16.splat(-128)), r.table + 128));
    }
    put(y, t, left);
    x += 16;
    y += 16;
  }
}

/** One word of round((a · aFactor + b · bFactor) / 2^shift), or of round(a · b · scale); a and b less their zeros. */
// @ts-ignore: decorator
@inline
function combined(a: v128, b: v128, r: BinaryQuadsRecord): v128 {
  a = i32x4.sub(a, i32x4.splat(r.aZero));
  b = i32x4.sub(b, i32x4.splat(r.bZero));
  if (r.multiply) {
    const product = f32x4.mul(f32x4.convert_i32x4_s(i32x4.mul(a, b)), f32x4.splat(r.scale));
    return rounded(product, f32x4.splat(-32768), f32x4.splat(32767), shiftFor(r.zero));
  }
  const sum = i32x4.add(i32x4.mul(a, i32x4.splat(r.aFactor)), i32x4.mul(b, i32x4.splat(r.bFactor)));
  const half = i32x4.splat((1 << r.shift) >> 1);
  return i32x4.add(i32x4.shr_s(i32x4.add(sum, half), r.shift), i32x4.splat(<i32>r.zero));
}

/** y = a + b or a · b, with scales; b has a word for each of a's, or one for a plane. Sums are rounded as XNNPACK does. */
export function i8_binary(r: BinaryQuadsRecord): void {
  const lo = i8x16.splat(<i8>r.low);
  const hi = i8x16.splat(<i8>r.high);
  let plane: usize = r.a;
  let other: usize = r.b;
  let to: usize = r.y;
  for (let n = r.planes; n != 0; n--) {
    let b = other;
    for (let i: u32 = 0; i < r.words; i += 4) {
      const v = v128.load(plane + 4 * i);
      const w = r.bStep ? v128.load(b) : v128.load32_splat(b);
      const p = combined(integers(v, 0), integers(w, 0), r);
      const q = combined(integers(v, 1), integers(w, 1), r);
      const s = combined(integers(v, 2), integers(w, 2), r);
      const t = combined(integers(v, 3), integers(w, 3), r);
      put(to + 4 * i, i8x16.min_u(i8x16.max_u(narrowed(p, q, s, t), lo), hi), r.words - i);
      b += 4 * r.bStep;
    }
    plane += r.aPlane;
    other += r.bPlane;
    to += r.yPlane;
  }
}

/** Sums of four channels over `count` words from x on. */
// @ts-ignore: decorator
@inline
function summed(x: usize, count: u32): v128 {
  let sum = i32x4.splat(0);
  for (; count >= 4; count -= 4) {
    const v = v128.load(x);
    const pairs = i16x8.add(i16x8.extend_low_i8x16_u(v), i16x8.extend_high_i8x16_u(v));
    sum = i32x4.add(sum, i32x4.add(i32x4.extend_low_i16x8_u(pairs), i32x4.extend_high_i16x8_u(pairs)));
    x += 16;
  }
  for (; count != 0; count--) {
    const v = i16x8.extend_low_i8x16_u(v128.load32_zero(x));
    sum = i32x4.add(sum, i32x4.extend_low_i16x8_u(v));
    x += 4;
  }
  return sum;
}

/** Four integers 0…255 as one word. */
// @ts-ignore: decorator
@inline
function putWord(y: usize, v: v128): void {
  v128.store32_lane(y, narrowed(v, v, v, v), 0);
}

/** y (planes) = the mean of each channel of x (planes, pixels). */
export function i8_mean(r: MeanQuadsRecord): void {
  const lo = f32x4.splat(r.low - r.zero);
  const hi = f32x4.splat(r.high - r.zero);
  const shift = shiftFor(r.zero);
  const zeros = i32x4.splat(r.pixels * r.xZero);
  let x = r.x;
  let y = r.y;
  for (let n = r.planes; n != 0; n--) {
    const sum = f32x4.convert_i32x4_s(i32x4.sub(summed(x, r.pixels), zeros));
    putWord(y, rounded(f32x4.mul(sum, f32x4.splat(r.scale)), lo, hi, shift));
    x += r.xPlane;
    y += r.yPlane;
  }
}

/** y = means over windows of x. A divisor of 0 stands for the number of pixels inside x. */
export function i8_average_pool(r: AverageQuadsRecord): void {
  const lo = f32x4.splat(r.low - r.zero);
  const hi = f32x4.splat(r.high - r.zero);
  const shift = shiftFor(r.zero);
  let x = r.x;
  let to = r.y;
  for (let n = r.planes; n != 0; n--) {
    let y: usize = to;
    for (let i: u32 = 0; i < r.height; i++) {
      const top = <i32>(i * r.strideH) - <i32>r.top;
      const first = max(top, 0);
      const end = min(top + <i32>r.kernelH, <i32>r.xHeight);
      for (let j: u32 = 0; j < r.width; j++) {
        const left = <i32>(j * r.strideW) - <i32>r.left;
        const from = max(left, 0);
        const columns = max(min(left + <i32>r.kernelW, <i32>r.xWidth) - from, 0);
        let sum = i32x4.splat(0);
        for (let row = first; row < end; row++) sum = i32x4.add(sum, summed(x + 4 * (row * r.xWidth + from), columns));
        const count = max(end - first, 0) * columns;
        const zeroed = f32x4.convert_i32x4_s(i32x4.sub(sum, i32x4.splat(count * r.xZero)));
        const scale = r.scale / <f32>(r.divisor ? r.divisor : max(count, 1));
        putWord(y, rounded(f32x4.mul(zeroed, f32x4.splat(scale)), lo, hi, shift));
        y += 4;
      }
    }
    x += r.xPlane;
    to += r.yPlane;
  }
}

// @ts-ignore: decorator
@inline
function channel(x: usize, from: u32, at: usize, lane: i32): v128 {
  const v = i32x4.shr_u(v128.load(x + (from & ~3) + at), 8 * (from & 3));
  return i32x4.shl(v128.and(v, i32x4.splat(255)), 8 * lane);
}

/** y (planes, pixels, 4): channel i is x's at byte from[i]. The first `keep` channels of the first plane stay as they are. */
export function i8_channels(r: ChannelsRecord): void {
  let y = r.y;
  let from = r.from;
  let kept = i32x4.splat((1 << (8 * r.keep)) - 1);
  for (let n = r.planes; n != 0; n--) {
    for (let i: u32 = 0; i < r.pixels; i += 4) {
      const at: usize = 4 * i;
      const a = v128.or(channel(r.x, load<u32>(from), at, 0), channel(r.x, load<u32>(from, 4), at, 1));
      const b = v128.or(channel(r.x, load<u32>(from, 8), at, 2), channel(r.x, load<u32>(from, 12), at, 3));
      put(y + at, v128.bitselect(v128.load(y + at), v128.or(a, b), kept), r.pixels - i);
    }
    kept = i32x4.splat(0);
    from += 16;
    y += r.yPlane;
  }
}
