// y (N, C, H′, W′) = x (N, C, H, W) resized. Tables say which pixels, with which weights (src/ops/resize.ts). Rows are
// written four pixels at a time; the last ones spill into the next row, which is written after them.
import { ResizeLinearRecord, ResizeNearestRecord, UpsampleRecord } from '../generated/records';
import { madd } from '../madd';

/** Four floats of the row at p. Their byte offsets are in `table`, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function gather4(p: usize, table: usize, step: usize): v128 {
  let v = v128.load32_zero(p + load<u32>(table));
  v = v128.load32_lane(p + load<u32>(table + step), v, 1);
  v = v128.load32_lane(p + load<u32>(table + 2 * step), v, 2);
  return v128.load32_lane(p + load<u32>(table + 3 * step), v, 3);
}

/** Stores a vector of a plane; planes of one pixel hold only one float. */
// @ts-ignore: decorator
@inline
function put(y: usize, v: v128, onePixel: bool): void {
  if (onePixel) v128.store32_lane(y, v, 0);
  else v128.store(y, v);
}

export function f32_resize_nearest(r: ResizeNearestRecord): void {
  const yRow: usize = 4 * r.width;
  const onePixel = r.height * r.width == 1;
  for (let n: u32 = 0; n < r.batch; n++) {
    let x = r.x + n * r.xBatch;
    let plane = r.y + n * r.yBatch;
    for (let c = r.channels; c != 0; c--) {
      let y = plane;
      let before: u32 = -1;
      for (let i: u32 = 0; i < r.height; i++) {
        const row = load<u32>(r.rows + 4 * i);
        if (row == before) {
          for (let j: usize = 0; j < yRow; j += 16) v128.store(y + j, v128.load(y - yRow + j));
        } else {
          for (let j: usize = 0; j < yRow; j += 16) put(y + j, gather4(x + row, r.columns + j, 4), onePixel);
        }
        before = row;
        y += yRow;
      }
      x += r.xPlane;
      plane += r.yPlane;
    }
  }
}

// @ts-ignore: decorator
@inline
function double4(x: usize, y: usize, yRow: usize): void {
  const v = v128.load(x);
  const low = i32x4.shuffle(v, v, 0, 0, 1, 1);
  const high = i32x4.shuffle(v, v, 2, 2, 3, 3);
  v128.store(y, low);
  v128.store(y, high, 16);
  v128.store(y + yRow, low);
  v128.store(y + yRow, high, 16);
}

export function f32_upsample_2x2(r: UpsampleRecord): void {
  const xRow: usize = 4 * r.xWidth;
  const last = xRow - 16;
  for (let n: u32 = 0; n < r.batch; n++) {
    let plane = r.x + n * r.xBatch;
    let to = r.y + n * r.yBatch;
    for (let c = r.channels; c != 0; c--) {
      let x = plane;
      let y = to;
      for (let i = r.height / 2; i != 0; i--) {
        for (let j: usize = 0; j < last; j += 16) double4(x + j, y + 2 * j, 2 * xRow);
        double4(x + last, y + 2 * last, 2 * xRow);
        x += xRow;
        y += 4 * xRow;
      }
      plane += r.xPlane;
      to += r.yPlane;
    }
  }
}

/** Blends two source rows, vector by vector, into the scratch; then gathers and blends its columns. */
export function f32_resize_linear(r: ResizeLinearRecord): void {
  const xRow: usize = 4 * r.xWidth;
  const yRow: usize = 4 * r.width;
  const onePixel = r.height * r.width == 1;
  for (let n: u32 = 0; n < r.batch; n++) {
    let x = r.x + n * r.xBatch;
    let plane = r.y + n * r.yBatch;
    for (let c = r.channels; c != 0; c--) {
      let y = plane;
      for (let i: u32 = 0; i < r.height; i++) {
        const w = v128.load32_splat(r.rowWeights + 4 * i);
        let from = x + load<u32>(r.rows + 8 * i);
        if (v128.any_true(f32x4.ne(w, f32x4.splat(0)))) {
          const other = x + load<u32>(r.rows + 8 * i, 4);
          for (let j: usize = 0; j < xRow; j += 16) {
            const a = v128.load(from + j);
            v128.store(r.scratch + j, madd(f32x4.sub(v128.load(other + j), a), w, a));
          }
          from = r.scratch;
        }
        for (let j: usize = 0; j < yRow; j += 16) {
          const a = gather4(from, r.columns + 2 * j, 8);
          const b = gather4(from, r.columns + 2 * j + 4, 8);
          put(y + j, madd(f32x4.sub(b, a), v128.load(r.columnWeights + j), a), onePixel);
        }
        y += yRow;
      }
      x += r.xPlane;
      plane += r.yPlane;
    }
  }
}
