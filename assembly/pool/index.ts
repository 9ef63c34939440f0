// y (N, C, H′, W′) = act(max or mean over windows of x (N, C, H, W)).
//
// Windows are separated: for each row of outputs, the window's rows inside x are reduced into one padded row in the
// scratch, whose borders hold neutral values; then its columns are. That takes k + k steps instead of k · k.
import { AveragePoolRecord, PoolRecord } from '../generated/records';
import { activateRow } from '../elementwise/activate';

/** What a window's elements become: the largest float, the sum of floats, or the largest of each byte of a word. */
const largest: i32 = 0;
const sum: i32 = 1;
const largestBytes: i32 = 2;

/** The larger of each lane, NaN when either is: one of the two pmax keeps the NaN, and OR preserves it. */
// @ts-ignore: decorator
@inline
function combine(a: v128, b: v128, mode: i32): v128 {
  if (mode == largestBytes) return i8x16.max_u(a, b);
  return mode == sum ? f32x4.add(a, b) : v128.or(f32x4.pmax(a, b), f32x4.pmax(b, a));
}

/** Every `stride`-th float from p on, four of them. */
// @ts-ignore: decorator
@inline
function pick4(p: usize, stride: u32): v128 {
  if (stride == 1) return v128.load(p);
  if (stride == 2) return i32x4.shuffle(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
  const step = 4 * stride;
  let v = v128.load32_zero(p);
  v = v128.load32_lane(p + step, v, 1);
  v = v128.load32_lane(p + 2 * step, v, 2);
  return v128.load32_lane(p + 3 * step, v, 3);
}

/** The inside of the padded row: `rows` input rows, `step` bytes apart, reduced. */
// @ts-ignore: decorator
@inline
function reduceRows(x: usize, step: usize, rows: u32, to: usize, width: u32, identity: v128, mode: i32): void {
  if (width < 4) {
    for (let i: u32 = 0; i < width; i++) {
      let v = identity;
      let p = x + 4 * i;
      for (let k = rows; k != 0; k--) {
        v = combine(v, v128.load32_splat(p), mode);
        p += step;
      }
      v128.store32_lane(to + 4 * i, v, 0);
    }
    return;
  }
  const last: usize = 4 * width - 16;
  for (let i: usize = 0; ; i = min<usize>(i + 16, last)) {
    let v = identity;
    let p = x + i;
    for (let k = rows; k != 0; k--) {
      v = combine(v, v128.load(p), mode);
      p += step;
    }
    v128.store(to + i, v);
    if (i == last) break;
  }
}

/**
 * One plane. The last four outputs of a row overlap the ones before; shorter rows spill into the next, which is stored
 * later.
 */
// @ts-ignore: decorator
@inline
function plane(r: PoolRecord, x: usize, y: usize, counts: usize, mode: i32): void {
  const identity = f32x4.splat(mode == largest ? -Infinity : 0);
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const inside = r.scratch + 4 * r.left;
  const height = r.height;
  const yRow: usize = 4 * r.width;
  const last: usize = max(yRow, 16) - 16;
  const step = 4 * r.strideW;
  const tapStep = 4 * r.dilationW;
  const taps = r.kernelW * tapStep;
  const columnCounts = counts + 4 * height;
  for (let i: u32 = 0; i < height; i++) {
    let row = i * r.strideH - r.top;
    let k: u32 = 0;
    for (; k < r.kernelH && row >= r.xHeight; k++) row += r.dilationH;
    const first = row;
    let rows: u32 = 0;
    for (; k < r.kernelH && row < r.xHeight; k++) {
      row += r.dilationH;
      rows++;
    }
    reduceRows(
      x + 4 * first * r.xWidth, 4 * r.dilationH * r.xWidth, rows, inside, r.xWidth, identity, mode,
    );
    for (let j: usize = 0; ; j = min<usize>(j + 16, last)) {
      const from = r.scratch + (j >> 2) * step;
      let v = identity;
      for (let t: usize = 0; t != taps; t += tapStep) v = combine(v, pick4(from + t, r.strideW), mode);
      if (mode == sum) {
        v = f32x4.div(v, f32x4.mul(v128.load32_splat(counts + 4 * i), v128.load(columnCounts + j)));
      }
      if (mode != largestBytes) v = f32x4.pmin(f32x4.pmax(v, lo), hi);
      if (yRow == 4 && height == 1) v128.store32_lane(y, v, 0);
      else v128.store(y + j, v);
      if (j == last) break;
    }
    y += yRow;
  }
}

// @ts-ignore: decorator
@inline
function planes(r: PoolRecord, counts: usize, mode: i32): void {
  const left = r.left;
  const reached = (r.width - 1) * r.strideW + (r.kernelW - 1) * r.dilationW + 1;
  const end = r.scratch + 4 * (max(reached, left + r.xWidth) + 3 * r.strideW + 4);
  for (let p = r.scratch; p < end; p += 4) store<f32>(p, mode == largest ? -Infinity : 0);
  for (let n: u32 = 0; n < r.batch; n++) {
    let x = r.x + n * r.xBatch;
    let y = r.y + n * r.yBatch;
    for (let c = r.channels; c != 0; c--) {
      plane(r, x, y, counts, mode);
      if (mode != largestBytes && r.activation != 0) {
        activateRow(y, y, r.height * r.width, -Infinity, Infinity, r.activation, r.alpha, r.beta);
      }
      x += r.xPlane;
      y += r.yPlane;
    }
  }
}

export function f32_max_pool(r: PoolRecord): void {
  planes(r, 0, largest);
}

/** The largest of each byte: x and y are planes of words. */
export function i8_max_pool(r: PoolRecord): void {
  planes(r, 0, largestBytes);
}

/** The fields of AveragePoolRecord start with those of PoolRecord. */
export function f32_average_pool(r: AveragePoolRecord): void {
  planes(changetype<PoolRecord>(changetype<usize>(r)), r.counts, sum);
}
