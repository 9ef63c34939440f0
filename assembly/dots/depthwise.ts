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
//   scratch    weights of each line, group of rows and kernel column | a row of zero points | groups of interleaved rows
import { storeLanes } from '../elementwise/lanes';
import { DepthwiseBytesRecord } from '../generated/records';
import { lookUp, magicBits, packed, rounded } from './finish';
import { Form, dotForm } from './form';

const ones = memory.data<i16>([1, 1, 1, 1, 1, 1, 1, 1], 16);

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

/** Interleaves the weights of a plane: words of four channels, (kernelH, kernelW). */
function interleaveWeights(e: usize, w: usize, lines: u32, groups: u32, isWide: bool, r: DepthwiseBytesRecord): void {
  const rows: u32 = isWide ? 2 : 4;
  for (let line: u32 = 0; line < lines; line++) {
    for (let g: u32 = 0; g < groups; g++) {
      for (let column: u32 = 0; column < r.kernelW; column++) {
        for (let i: u32 = 0; i < rows; i++) {
          const row: u32 = g * rows + i - line * r.strideH;
          const four = row < r.kernelH ? load<u32>(e + 4 * (row * r.kernelW + column)) : 0;
          for (let channel: u32 = 0; channel < 4; channel++) {
            const weight = <i8>(four >> (8 * channel));
            if (isWide) store<i16>(w + 4 * channel + 2 * i, weight);
            else store<i8>(w + 4 * channel + i, weight);
          }
        }
        w += 16;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function added(form: Form, w: v128, x: usize, sum: v128): v128 {
  const v = v128.load(x);
  if (ASC_FEATURE_RELAXED_SIMD && form == Form.dot) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, v, sum);
  if (ASC_FEATURE_RELAXED_SIMD && form == Form.split) {
    return i32x4.add(i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(w, v), v128.load(ones)), sum);
  }
  return i32x4.add(i32x4.dot_i16x8_s(w, v), sum);
}

/** One row of outputs, of `groups` groups of interleaved rows that are `pitch` bytes apart. */
// @ts-ignore: decorator
@inline
function line(form: Form, t: usize, pitch: usize, w: usize, groups: u32, e: usize, y: usize, r: DepthwiseBytesRecord): void {
  const bias = v128.load(e);
  const scale = v128.load(e, 16);
  const step: usize = 16 * r.strideW;
  const across: usize = 16 * r.kernelW;
  let ends = t + groups * pitch;
  const offset = i32x4.splat(magicBits - <i32>r.zero);
  const lo = i8x16.splat(<i8>r.low);
  const hi = i8x16.splat(<i8>r.high);
  for (let i: u32 = 0; i < r.width; i += 4) {
    let a0 = bias;
    let a1 = bias;
    let a2 = bias;
    let a3 = bias;
    let v = w;
    for (let p = t; p < ends; p += pitch) {
      for (let q = p, end = p + across; q < end; q += 16) {
        const weight = v128.load(v);
        a0 = added(form, weight, q, a0);
        a1 = added(form, weight, q + step, a1);
        a2 = added(form, weight, q + 2 * step, a2);
        a3 = added(form, weight, q + 3 * step, a3);
        v += 16;
      }
    }
    const bytes = packed(
      rounded(a0, scale, offset),
      rounded(a1, scale, offset),
      rounded(a2, scale, offset),
      rounded(a3, scale, offset),
      lo,
      hi,
    );
    if (i + 4 <= r.width) v128.store(y, bytes);
    else storeLanes(y, bytes, r.width - i);
    y += 16;
    t += 4 * step;
    ends += 4 * step;
  }
}

/** The same for kernels of three columns and one group: 3×3, without a loop over them. */
// @ts-ignore: decorator
@inline
function line3(form: Form, t: usize, w: usize, e: usize, y: usize, r: DepthwiseBytesRecord): void {
  const bias = v128.load(e);
  const scale = v128.load(e, 16);
  const step: usize = 16 * r.strideW;
  const offset = i32x4.splat(magicBits - <i32>r.zero);
  const lo = i8x16.splat(<i8>r.low);
  const hi = i8x16.splat(<i8>r.high);
  const w0 = v128.load(w);
  const w1 = v128.load(w, 16);
  const w2 = v128.load(w, 32);
  for (let i: u32 = 0; i < r.width; i += 4) {
    const q = t + step;
    const p = q + step;
    const o = p + step;
    const a0 = added(form, w2, t + 32, added(form, w1, t + 16, added(form, w0, t, bias)));
    const a1 = added(form, w2, q + 32, added(form, w1, q + 16, added(form, w0, q, bias)));
    const a2 = added(form, w2, p + 32, added(form, w1, p + 16, added(form, w0, p, bias)));
    const a3 = added(form, w2, o + 32, added(form, w1, o + 16, added(form, w0, o, bias)));
    const bytes = packed(
      rounded(a0, scale, offset),
      rounded(a1, scale, offset),
      rounded(a2, scale, offset),
      rounded(a3, scale, offset),
      lo,
      hi,
    );
    if (i + 4 <= r.width) v128.store(y, bytes);
    else storeLanes(y, bytes, r.width - i);
    y += 16;
    t = o + step;
  }
}

function lineOf(form: Form, t: usize, pitch: usize, w: usize, groups: u32, e: usize, y: usize, r: DepthwiseBytesRecord): void {
  const isThree = groups == 1 && r.kernelW == 3;
  if (ASC_FEATURE_RELAXED_SIMD && form == Form.dot) {
    if (isThree) line3(Form.dot, t, w, e, y, r);
    else line(Form.dot, t, pitch, w, groups, e, y, r);
  } else if (ASC_FEATURE_RELAXED_SIMD && form == Form.split) {
    if (isThree) line3(Form.split, t, w, e, y, r);
    else line(Form.split, t, pitch, w, groups, e, y, r);
  } else line(Form.wide, t, pitch, w, groups, e, y, r);
}

/**
 * y (channels, height, width) of x (channels, xHeight, xWidth). Weights of each plane of four channels: biases (i32), scales
 * (f32), then a word for each position of the kernel.
 */
export function i8_depthwise(r: DepthwiseBytesRecord): void {
  const form = dotForm(r.bits);
  const isWide = form == Form.wide;
  const rows: u32 = isWide ? 2 : 4;
  const lines: u32 = (((r.kernelH + 3) & ~3) - r.kernelH) / r.strideH + 1;
  const groups: u32 = ((lines - 1) * r.strideH + r.kernelH + rows - 1) / rows;
  const positions: u32 = (r.width - 1) * r.strideW + r.kernelW;
  const pitch: usize = 16 * (positions + 3 * r.strideW + 3);
  const across: usize = 16 * r.kernelW;
  const zeros = r.scratch + lines * groups * across;
  const t = zeros + 16 * ((r.xWidth + 6) / 4);
  for (let z = zeros; z < t; z += 16) v128.store(z, i8x16.splat(<i8>r.xZero));
  for (let n: u32 = 0; n < r.batch; n++) {
    let x = r.x + n * r.xBatch;
    let y = r.y + n * r.yBatch;
    let e = r.weights;
    for (let left = r.planes; left != 0; left--) {
      interleaveWeights(e + 32, r.scratch, lines, groups, isWide, r);
      for (let row: u32 = 0; row < r.height; row += lines) {
        const first = <i32>(row * r.strideH) - <i32>r.top;
        for (let g: u32 = 0; g < groups; g++) {
          interleave(x, first + <i32>(g * rows), isWide, zeros, t + g * pitch, positions, r);
        }
        for (let i: u32 = 0, count = min(lines, r.height - row); i < count; i++) {
          // the groups that hold rows of this line
          const start: u32 = (i * r.strideH) / rows;
          const end: u32 = (i * r.strideH + r.kernelH + rows - 1) / rows;
          const w = r.scratch + (i * groups + start) * across;
          lineOf(form, t + start * pitch, pitch, w, end - start, e, y + 4 * (row + i) * r.width, r);
        }
      }
      if (r.look != 0) lookUp(y, y, 4 * r.height * r.width, r.table);
      x += r.xPlane;
      y += r.yPlane;
      e += 32 + 4 * r.kernelH * r.kernelW;
    }
  }
}
