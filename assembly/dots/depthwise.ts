// Depthwise convolutions of bytes in quads, any kernel and stride.
//
// Rows of one plane of words are interleaved, so that a product sums several rows of each of four channels:
//
//   bytes       r0 r1 r2 r3 of channel 0 | of channel 1 | of channel 2 | of channel 3         a vector for each column
//   wide        r0 r1 of channel 0 as 16 bits | of channel 1 | of channel 2 | of channel 3
//
// A set of interleaved rows serves as many rows of outputs as read no others: `lines`, two for 3×3. A row of outputs has weights
// that are interleaved alike, with zeros for rows that it does not read.
//
//   scratch    three vectors of bounds | weights of each line, group of rows and kernel column | a row of zero points |
//              groups of interleaved rows
import { storeLanes } from '../elementwise/lanes';
import { DepthwiseBytesRecord } from '../generated/records';
import { lookUp, magicBits, packed, rounded } from './finish';
import { Form, dotForm } from './form';

/** The four vectors (pixels) of four rows' vectors of four words. */
// @ts-ignore: decorator
@inline
function putBytes(a: v128, b: v128, c: v128, d: v128, y: usize): void {
  const ab = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const cd = i8x16.shuffle(c, d, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  v128.store(y, i16x8.shuffle(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(y, i16x8.shuffle(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  const ef = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const gh = i8x16.shuffle(c, d, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(y, i16x8.shuffle(ef, gh, 0, 8, 1, 9, 2, 10, 3, 11), 32);
  v128.store(y, i16x8.shuffle(ef, gh, 4, 12, 5, 13, 6, 14, 7, 15), 48);
}

/** The same of two rows, widened. */
// @ts-ignore: decorator
@inline
function putWide(a: v128, b: v128, y: usize): void {
  const low = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  v128.store(y, i16x8.extend_low_i8x16_u(low));
  v128.store(y, i16x8.extend_high_i8x16_u(low), 16);
  const high = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(y, i16x8.extend_low_i8x16_u(high), 32);
  v128.store(y, i16x8.extend_high_i8x16_u(high), 48);
}

/** Row `row` of a plane, or `zeros` where it has none. */
// @ts-ignore: decorator
@inline
function rowAt(x: usize, row: i32, zeros: usize, r: DepthwiseBytesRecord): usize {
  return <u32>row < r.xHeight ? x + 4 * <u32>row * r.xWidth : zeros;
}

/** Interleaves rows from `first` on, between margins of zero points. */
function interleave(
  x: usize,
  first: i32,
  isWide: bool,
  zeros: usize,
  t: usize,
  positions: u32,
  r: DepthwiseBytesRecord,
): void {
  const before = min(r.left, positions);
  const columns = min(r.xWidth, positions - before);
  const a = rowAt(x, first, zeros, r);
  const b = rowAt(x, first + 1, zeros, r);
  const c = isWide ? a : rowAt(x, first + 2, zeros, r);
  const d = isWide ? a : rowAt(x, first + 3, zeros, r);
  const from = t + 16 * before;
  for (let i: usize = 0, end: usize = 4 * columns, to = from; i < end; i += 16) {
    if (isWide) putWide(v128.load(a + i), v128.load(b + i), to);
    else putBytes(v128.load(a + i), v128.load(b + i), v128.load(c + i), v128.load(d + i), to);
    to += 64;
  }
  const zero = isWide ? i16x8.splat(<i16>r.xZero) : i8x16.splat(<i8>r.xZero);
  for (let to = t; to < from; to += 16) v128.store(to, zero);
  for (let to = from + 16 * columns, end = t + 16 * positions; to < end; to += 16) v128.store(to, zero);
}

/** The word of weights at a position of the kernel; 0 outside of it. */
// @ts-ignore: decorator
@inline
function weightAt(e: usize, row: u32, column: u32, r: DepthwiseBytesRecord): v128 {
  return row < r.kernelH ? v128.load32_zero(e + 4 * (row * r.kernelW + column)) : i32x4.splat(0);
}

/** Interleaves the weights of a plane: words of four channels, (kernelH, kernelW). */
function interleaveWeights(e: usize, w: usize, lines: u32, groups: u32, isWide: bool, r: DepthwiseBytesRecord): void {
  for (let line: u32 = 0; line < lines; line++) {
    let row: u32 = -line * r.strideH;
    for (let g: u32 = 0; g < groups; g++) {
      for (let column: u32 = 0; column < r.kernelW; column++) {
        const a = weightAt(e, row, column, r);
        const b = weightAt(e, row + 1, column, r);
        const ab = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        if (isWide) v128.store(w, i16x8.extend_low_i8x16_s(ab));
        else {
          const c = weightAt(e, row + 2, column, r);
          const d = weightAt(e, row + 3, column, r);
          const cd = i8x16.shuffle(c, d, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
          v128.store(w, i16x8.shuffle(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11));
        }
        w += 16;
      }
      row += isWide ? 2 : 4;
    }
  }
}

// @ts-ignore: decorator
@inline
function added(isWide: bool, w: v128, v: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD && !isWide) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, v, sum);
  return i32x4.add(i32x4.dot_i16x8_s(w, v), sum);
}

/** `sum` and three columns of widened bytes. */
// @ts-ignore: decorator
@inline
function sumOfThree(w0: v128, w1: v128, w2: v128, p: usize, sum: v128): v128 {
  return added(true, w2, v128.load(p, 32), added(true, w1, v128.load(p, 16), added(true, w0, v128.load(p), sum)));
}

/** Stores the first `left` of four words. Returns where the next go. */
// @ts-ignore: decorator
@inline
function putWords(y: usize, bytes: v128, left: i32): usize {
  if (left < 4) {
    storeLanes(y, bytes, left);
    return y + 4 * left;
  }
  v128.store(y, bytes);
  return y + 16;
}

/**
 * A row of outputs of a kernel of three columns, whose rows are in one group at `p`: weights stay in registers. `isOne`: neighbours
 * share columns. Returns the end of the row.
 */
// @ts-ignore: decorator
@inline
function rowOfThree(isOne: bool, w: usize, p: usize, e: usize, limits: usize, y: usize, step: usize, width: i32): usize {
  const w0 = v128.load(w);
  const w1 = v128.load(w, 16);
  const w2 = v128.load(w, 32);
  const bias = v128.load(e);
  const scale = v128.load(e, 16);
  const offset = v128.load(limits);
  const lo = v128.load(limits, 16);
  const hi = v128.load(limits, 32);
  for (let left = width; left > 0; left -= 4) {
    const x1 = v128.load(p, 16);
    const x2 = v128.load(p, 32);
    const a0 = added(false, w2, x2, added(false, w1, x1, added(false, w0, v128.load(p), bias)));
    const p1 = p + step;
    const x3 = isOne ? v128.load(p, 48) : v128.load(p1, 16);
    const x4 = isOne ? v128.load(p, 64) : v128.load(p1, 32);
    const a1 = isOne
      ? added(false, w2, x3, added(false, w1, x2, added(false, w0, x1, bias)))
      : added(false, w2, x4, added(false, w1, x3, added(false, w0, v128.load(p1), bias)));
    const p2 = p1 + step;
    const x5 = isOne ? v128.load(p, 80) : v128.load(p2, 32);
    const a2 = isOne
      ? added(false, w2, x4, added(false, w1, x3, added(false, w0, x2, bias)))
      : added(false, w2, x5, added(false, w1, v128.load(p2, 16), added(false, w0, v128.load(p2), bias)));
    const p3 = p2 + step;
    const a3 = isOne
      ? added(false, w2, x5, added(false, w1, x4, added(false, w0, x3, bias)))
      : added(false, w2, v128.load(p3, 32), added(false, w1, v128.load(p3, 16), added(false, w0, v128.load(p3), bias)));
    const bytes = packed(
      rounded(a0, scale, offset),
      rounded(a1, scale, offset),
      rounded(a2, scale, offset),
      rounded(a3, scale, offset),
      lo,
      hi,
    );
    y = putWords(y, bytes, left);
    p = p3 + step;
  }
  return y;
}

/** One plane. `t`: groups of interleaved rows, `pitch` bytes apart, each of `positions` columns. */
// @ts-ignore: decorator
@inline
function planeOf(
  isWide: bool,
  x: usize,
  y: usize,
  e: usize,
  t: usize,
  pitch: usize,
  positions: u32,
  lines: u32,
  zeros: usize,
  r: DepthwiseBytesRecord,
): void {
  const rows: u32 = isWide ? 2 : 4;
  const groups: u32 = ((lines - 1) * r.strideH + r.kernelH + rows - 1) / rows;
  const across: usize = 16 * r.kernelW;
  const step: usize = 16 * r.strideW;
  const limits = r.scratch;
  const weights = limits + 48;
  const bias = v128.load(e);
  const scale = v128.load(e, 16);
  interleaveWeights(e + 32, weights, lines, groups, isWide, r);
  for (let row: u32 = 0; row < r.height; row += lines) {
    const first = <i32>(row * r.strideH) - <i32>r.top;
    for (let g: u32 = 0; g < groups; g++) {
      interleave(x, first + <i32>(g * rows), isWide, zeros, t + g * pitch, positions, r);
    }
    for (let i: u32 = 0, count = min(lines, r.height - row); i < count; i++) {
      // the groups that hold rows of this line
      const start: u32 = (i * r.strideH) / rows;
      const end: u32 = (i * r.strideH + r.kernelH + rows - 1) / rows;
      const w = weights + (i * groups + start) * across;
      let from = t + start * pitch;
      let to = t + end * pitch;
      if (!isWide && r.kernelW == 3 && to - from == pitch) {
        if (step == 16) y = rowOfThree(true, w, from, e, limits, y, 16, r.width);
        else y = rowOfThree(false, w, from, e, limits, y, step, r.width);
        continue;
      }
      for (let left: i32 = r.width; left > 0; left -= 4) {
        let a0 = bias;
        let a1 = bias;
        let a2 = bias;
        let a3 = bias;
        let v = w;
        for (let p = from; p < to; p += pitch) {
          if (isWide && r.kernelW == 3) {
            const w0 = v128.load(v);
            const w1 = v128.load(v, 16);
            const w2 = v128.load(v, 32);
            const p1 = p + step;
            const p2 = p1 + step;
            const p3 = p2 + step;
            a0 = sumOfThree(w0, w1, w2, p, a0);
            a1 = sumOfThree(w0, w1, w2, p1, a1);
            a2 = sumOfThree(w0, w1, w2, p2, a2);
            a3 = sumOfThree(w0, w1, w2, p3, a3);
            v += 48;
            continue;
          }
          if (!isWide && r.kernelW == 5 && step == 16) {
            // neighbours share columns
            const w0 = v128.load(v);
            const w1 = v128.load(v, 16);
            const w2 = v128.load(v, 32);
            const w3 = v128.load(v, 48);
            const w4 = v128.load(v, 64);
            a0 = added(false, w0, v128.load(p), a0);
            const x1 = v128.load(p, 16);
            a0 = added(false, w1, x1, a0);
            a1 = added(false, w0, x1, a1);
            const x2 = v128.load(p, 32);
            a0 = added(false, w2, x2, a0);
            a1 = added(false, w1, x2, a1);
            a2 = added(false, w0, x2, a2);
            const x3 = v128.load(p, 48);
            a0 = added(false, w3, x3, a0);
            a1 = added(false, w2, x3, a1);
            a2 = added(false, w1, x3, a2);
            a3 = added(false, w0, x3, a3);
            const x4 = v128.load(p, 64);
            a0 = added(false, w4, x4, a0);
            a1 = added(false, w3, x4, a1);
            a2 = added(false, w2, x4, a2);
            a3 = added(false, w1, x4, a3);
            const x5 = v128.load(p, 80);
            a1 = added(false, w4, x5, a1);
            a2 = added(false, w3, x5, a2);
            a3 = added(false, w2, x5, a3);
            const x6 = v128.load(p, 96);
            a2 = added(false, w4, x6, a2);
            a3 = added(false, w3, x6, a3);
            a3 = added(false, w4, v128.load(p, 112), a3);
            v += 80;
            continue;
          }
          for (let q = p, over = p + across; q < over; q += 16) {
            const weight = v128.load(v);
            a0 = added(isWide, weight, v128.load(q), a0);
            a1 = added(isWide, weight, v128.load(q + step), a1);
            a2 = added(isWide, weight, v128.load(q + 2 * step), a2);
            a3 = added(isWide, weight, v128.load(q + 3 * step), a3);
            v += 16;
          }
        }
        const offset = v128.load(limits);
        const bytes = packed(
          rounded(a0, scale, offset),
          rounded(a1, scale, offset),
          rounded(a2, scale, offset),
          rounded(a3, scale, offset),
          v128.load(limits, 16),
          v128.load(limits, 32),
        );
        y = putWords(y, bytes, left);
        from += 4 * step;
        to += 4 * step;
      }
    }
  }
}

/**
 * y (channels, height, width) of x (channels, xHeight, xWidth). Weights of each plane of four channels: biases (i32), scales
 * (f32), then a word for each position of the kernel.
 */
export function i8_depthwise(r: DepthwiseBytesRecord): void {
  // saturating products gain little here: most of the time goes into reading and writing
  const isWide = dotForm(r.bits) != Form.dot;
  const lines: u32 = (((r.kernelH + 3) & ~3) - r.kernelH) / r.strideH + 1;
  const pairs: u32 = ((lines - 1) * r.strideH + r.kernelH + 1) / 2;
  const positions: u32 = (r.width - 1) * r.strideW + r.kernelW;
  const pitch: usize = 16 * (positions + 3 * r.strideW + 3);
  const limits = r.scratch;
  v128.store(limits, i32x4.splat(magicBits - <i32>r.zero));
  v128.store(limits, i8x16.splat(<i8>r.low), 16);
  v128.store(limits, i8x16.splat(<i8>r.high), 32);
  const zeros = limits + 48 + 16 * lines * pairs * r.kernelW;
  const t = zeros + 16 * ((r.xWidth + 6) / 4);
  for (let z = zeros; z < t; z += 16) v128.store(z, i8x16.splat(<i8>r.xZero));
  for (let n: u32 = 0; n < r.batch; n++) {
    let x = r.x + n * r.xBatch;
    let y = r.y + n * r.yBatch;
    let e = r.weights;
    for (let left = r.planes; left != 0; left--) {
      if (isWide) planeOf(true, x, y, e, t, pitch, positions, lines, zeros, r);
      else planeOf(false, x, y, e, t, pitch, positions, lines, zeros, r);
      if (r.look != 0) lookUp(y, y, r.height * r.width, r.table);
      x += r.xPlane;
      y += r.yPlane;
      e += 32 + 4 * r.kernelH * r.kernelW;
    }
  }
}
