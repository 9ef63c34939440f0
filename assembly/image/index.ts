// Bytes (rows, pixels, channels) → y: three floats per pixel. A vector's lanes are one pixel's channels.
//
//   span of an output row or column:   byte offset | pixels | weight of the first | of each between | of the last
//
// A span describes the source pixels of an output row or column: two for a bilinear blend, all it covers for an
// average. Spans of columns are in the scratch, followed by the span of the current row.
import { ImageRecord } from '../generated/records';
import { madd } from '../madd';

const spanBytes: usize = 20;

/** Writes the span of output i of `to`, made of `from` pixels that are `bytes` apart. Stays within 0…from − 1. */
function setSpan(span: usize, i: u32, to: u32, from: u32, bytes: u32, antialias: bool): void {
  let first: u32;
  let pixels: u32 = 1;
  let firstWeight: f32 = 1;
  let weight: f32 = 0;
  let lastWeight: f32 = 0;
  const step = <f64>from / <f64>to;
  if (antialias && step > 2) {
    const start = (<f64>i * <f64>from) / <f64>to;
    const end = min((<f64>(i + 1) * <f64>from) / <f64>to, <f64>from);
    first = min(<u32>start, from - 1);
    const last = max(min(<u32>Math.ceil(end), from) - 1, first);
    pixels = last - first + 1;
    firstWeight = <f32>((<f64>(first + 1) - start) / step);
    weight = <f32>(1 / step);
    lastWeight = <f32>((end - <f64>last) / step);
  } else {
    const at = min(max(((<f64>i + 0.5) * <f64>from) / <f64>to - 0.5, 0), <f64>(from - 1));
    first = min(<u32>at, from - 1);
    lastWeight = <f32>(at - <f64>first);
    firstWeight = 1 - lastWeight;
    if (lastWeight > 0 && first < from - 1) pixels = 2;
  }
  store<u32>(span, first * bytes);
  store<u32>(span, pixels, 4);
  store<f32>(span, firstWeight, 8);
  store<f32>(span, weight, 12);
  store<f32>(span, lastWeight, 16);
}

/** The channels of the pixel at p. */
// @ts-ignore: decorator
@inline
function pixel(p: usize, grey: bool): v128 {
  if (grey) return f32x4.splat(<f32>load<u8>(p));
  const bytes = v128.load32_zero(p);
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)));
}

/** Weighted sum of a row of pixels. */
// @ts-ignore: decorator
@inline
function sumRow(p: usize, bytes: u32, grey: bool, pixels: u32, span: usize): v128 {
  let sum = f32x4.mul(pixel(p, grey), v128.load32_splat(span, 8));
  if (pixels == 1) return sum;
  const weight = v128.load32_splat(span, 12);
  p += bytes;
  for (const last = p + (pixels - 2) * bytes; p != last; p += bytes) sum = madd(pixel(p, grey), weight, sum);
  return madd(pixel(p, grey), v128.load32_splat(span, 16), sum);
}

// @ts-ignore: decorator
@inline
function putPixel(y: usize, channel: usize, v: v128): void {
  v128.store32_lane(y, v, 0);
  v128.store32_lane(y + channel, v, 1);
  v128.store32_lane(y + 2 * channel, v, 2);
}

function fill(y: usize, r: ImageRecord, channel: usize, pixels: u32, v: v128): void {
  for (; pixels != 0; pixels--) {
    putPixel(y, channel, v);
    y += r.yPixel;
  }
}

/** One row of the destination, from the rows of `rowSpan`. */
// @ts-ignore: decorator
@inline
function row(r: ImageRecord, y: usize, channel: usize, scale: v128, offset: v128, grey: bool): void {
  const rowSpan = r.scratch + spanBytes * r.toWidth;
  const bytes = r.channels;
  const x = r.x + r.xTop * r.xRow + r.xLeft * bytes + load<u32>(rowSpan);
  const rows = load<u32>(rowSpan, 4);
  const first = v128.load32_splat(rowSpan, 8);
  const between = v128.load32_splat(rowSpan, 12);
  const last = v128.load32_splat(rowSpan, 16);
  for (let span = r.scratch; span != rowSpan; span += spanBytes) {
    let p = x + load<u32>(span);
    const pixels = load<u32>(span, 4);
    let v = f32x4.mul(sumRow(p, bytes, grey, pixels, span), first);
    for (let i: u32 = 1; i < rows; i++) {
      p += r.xRow;
      v = madd(sumRow(p, bytes, grey, pixels, span), i + 1 == rows ? last : between, v);
    }
    putPixel(y, channel, madd(v, scale, offset));
    y += r.yPixel;
  }
}

export function f32_image(r: ImageRecord): void {
  const grey = r.channels == 1;
  const antialias = r.antialias != 0;
  // Lanes are red, green and blue: BGR starts at y's last channel and goes backwards.
  const reverse = r.reverse != 0;
  const channel = reverse ? -r.yChannel : r.yChannel;
  let y = reverse ? r.y + 2 * r.yChannel : r.y;
  let scale = f32x4.splat(r.scale1);
  scale = f32x4.replace_lane(scale, 0, reverse ? r.scale2 : r.scale0);
  scale = f32x4.replace_lane(scale, 2, reverse ? r.scale0 : r.scale2);
  let offset = f32x4.splat(r.offset1);
  offset = f32x4.replace_lane(offset, 0, reverse ? r.offset2 : r.offset0);
  offset = f32x4.replace_lane(offset, 2, reverse ? r.offset0 : r.offset2);
  const pad = madd(f32x4.splat(r.pad), scale, offset);

  const right = r.left + r.toWidth;
  for (let j: u32 = 0; j < r.toWidth; j++) {
    setSpan(r.scratch + spanBytes * j, j, r.toWidth, r.xWidth, r.channels, antialias);
  }
  for (let i: u32 = 0; i < r.height; i++) {
    const from = i - r.top;
    if (from < r.toHeight) {
      setSpan(r.scratch + spanBytes * r.toWidth, from, r.toHeight, r.xHeight, r.xRow, antialias);
      fill(y, r, channel, r.left, pad);
      const to = y + r.left * r.yPixel;
      if (grey) row(r, to, channel, scale, offset, true);
      else row(r, to, channel, scale, offset, false);
      fill(y + right * r.yPixel, r, channel, r.width - right, pad);
    } else {
      fill(y, r, channel, r.width, pad);
    }
    y += r.yRow;
  }
}
