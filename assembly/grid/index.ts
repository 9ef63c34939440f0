// y (N, C, H′, W′) = x (N, C, H, W) at the coordinates of grid (N, H′, W′, 2). src/ops/grid-sample.ts states the rules.
//
// The pixels that a row of y takes are found once, for all channels, four pixels of y at a time:
//
//   scratch   w w w w | o o o o | w w w w | o o o o | …      of four neighbours: their weights, and their byte offsets in a plane
//
// Nearest has one neighbour, in the place of the first. A neighbour without weight does not count, whatever is there. A hostile record
// may let y overlap the scratch memory: offsets are bounded when they are read.
import { GridSampleRecord } from '../generated/records';
import { madd } from '../madd';

/** Bytes of a neighbour's weights and offsets. */
const neighbourBytes: usize = 32;

/** Bytes of four pixels in the scratch memory. */
const vectorBytes: usize = 4 * neighbourBytes;

/** A coordinate mirrored at both edges until it is between them. */
function reflected(at: f32, low: f32, high: f32): f32 {
  const beyond = at < low ? low - at : at - high;
  if (!(beyond > 0)) return at;
  const range = high - low;
  if (range == 0) return low;
  const times = floor<f32>(beyond / range);
  const rest = beyond - times * range;
  const isOdd = times - 2 * floor<f32>(times * 0.5) != 0;
  return at < low != isOdd ? low + rest : high - rest;
}

/** A coordinate −1…1 in pixels of an axis, the first pixel's centre being 0; rounded for nearest, within the axis if padded. */
function pixelAt(coordinate: f32, length: u32, r: GridSampleRecord): f32 {
  const last = <f32>(length - 1);
  let at = r.alignCorners ? (coordinate + 1) * 0.5 * last : ((coordinate + 1) * <f32>length - 1) * 0.5;
  if (!r.linear) at = nearest<f32>(at);
  if (r.padding == 0) return at;
  if (r.padding == 2) at = r.alignCorners ? reflected(at, 0, last) : reflected(at, -0.5, last + 0.5);
  at = at > 0 ? at : 0; // NaN becomes 0
  return at < last ? at : last;
}

/** Weight of a pixel of an axis, 0 outside. */
// @ts-ignore: decorator
@inline
function within(at: f32, length: u32, weight: f32): f32 {
  return at >= 0 && at <= <f32>(length - 1) ? weight : 0;
}

/** One of a pixel's four neighbours. */
// @ts-ignore: decorator
@inline
function put(to: usize, weight: f32, row: f32, column: f32, r: GridSampleRecord): void {
  const isRead = weight != 0;
  const i: u32 = isRead ? <u32>row : 0;
  const j: u32 = isRead ? <u32>column : 0;
  store<f32>(to, weight);
  store<u32>(to + 16, 4 * (i * r.xWidth + j));
}

/** Fills the scratch memory for a row of y; pixels behind its end have no weight. */
function findNeighbours(grid: usize, r: GridSampleRecord): void {
  const columns: u32 = (r.width + 3) & ~3;
  for (let j: u32 = 0; j < columns; j++) {
    const to = r.scratch + (j >> 2) * vectorBytes + 4 * (j & 3);
    if (j >= r.width) {
      for (let k: usize = 0; k < 4; k++) put(to + k * neighbourBytes, 0, 0, 0, r);
      continue;
    }
    const u = pixelAt(load<f32>(grid + 8 * j), r.xWidth, r);
    const v = pixelAt(load<f32>(grid + 8 * j, 4), r.xHeight, r);
    const left = floor<f32>(u);
    const top = floor<f32>(v);
    const toLeft = within(left, r.xWidth, 1 - (u - left));
    const toTop = within(top, r.xHeight, 1 - (v - top));
    put(to, toTop * toLeft, top, left, r);
    if (!r.linear) continue;
    const toRight = within(left + 1, r.xWidth, u - left);
    const toBottom = within(top + 1, r.xHeight, v - top);
    put(to + neighbourBytes, toTop * toRight, top, left + 1, r);
    put(to + 2 * neighbourBytes, toBottom * toLeft, top + 1, left, r);
    put(to + 3 * neighbourBytes, toBottom * toRight, top + 1, left + 1, r);
  }
}

/** The weighted pixels of four neighbours, one for each of four pixels of y, added to a sum. `last`: the greatest offset. */
// @ts-ignore: decorator
@inline
function add(sum: v128, x: usize, neighbour: usize, last: v128): v128 {
  const weights = v128.load(neighbour);
  const offsets = i32x4.min_u(v128.load(neighbour, 16), last);
  let pixels = v128.load32_zero(x + i32x4.extract_lane(offsets, 0));
  pixels = v128.load32_lane(x + i32x4.extract_lane(offsets, 1), pixels, 1);
  pixels = v128.load32_lane(x + i32x4.extract_lane(offsets, 2), pixels, 2);
  pixels = v128.load32_lane(x + i32x4.extract_lane(offsets, 3), pixels, 3);
  return madd(v128.and(pixels, f32x4.ne(weights, f32x4.splat(0))), weights, sum);
}

export function f32_grid_sample(r: GridSampleRecord): void {
  const yRow: usize = 4 * r.width;
  const onePixel = r.height * r.width == 1;
  const last = i32x4.splat(4 * (r.xHeight * r.xWidth - 1));
  for (let n: u32 = 0; n < r.batch; n++) {
    for (let i: u32 = 0; i < r.height; i++) {
      findNeighbours(r.grid + n * r.gridBatch + i * r.gridRow, r);
      let x = r.x + n * r.xBatch;
      let y = r.y + n * r.yBatch + i * yRow;
      for (let c = r.channels; c != 0; c--) {
        let at = r.scratch;
        for (let j: usize = 0; j < yRow; j += 16) {
          let sum = add(f32x4.splat(0), x, at, last);
          if (r.linear) {
            sum = add(sum, x, at + neighbourBytes, last);
            sum = add(sum, x, at + 2 * neighbourBytes, last);
            sum = add(sum, x, at + 3 * neighbourBytes, last);
          }
          if (onePixel) v128.store32_lane(y, sum, 0);
          else v128.store(y + j, sum);
          at += vectorBytes;
        }
        x += r.xPlane;
        y += r.yPlane;
      }
    }
  }
}
