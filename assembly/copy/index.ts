// Strided copies, fills and gathers of floats. Every write is exact: an element's neighbours may be live.
import { CopyRecord, FillRecord, GatherRecord } from '../generated/records';
import { run } from './run';
import { transpose } from './transpose';

/** Bytes from an axis' lowest address to its first element: a reversed axis starts at its far end. */
// @ts-ignore: decorator
@inline
function start(n: u32, stride: i32): usize {
  return stride < 0 ? (n - 1) * -stride : 0;
}

/** y (d4, d5) = x (d4, d5) */
// @ts-ignore: decorator
@inline
function matrix(r: CopyRecord, x: usize, y: usize): void {
  if (r.y5 == 4) {
    if (r.x5 == 4) {
      for (let i = r.d4; i != 0; i--) {
        run(x, y, r.d5);
        x += r.x4;
        y += r.y4;
      }
      return;
    }
    if (r.x4 == 4) {
      transpose(x, y, r.d4, r.d5, r.x5, r.y4);
      return;
    }
  }
  for (let i = r.d4; i != 0; i--) {
    let p = x;
    let q = y;
    for (let j = r.d5; j != 0; j--) {
      store<u32>(q, load<u32>(p));
      p += r.x5;
      q += r.y5;
    }
    x += r.x4;
    y += r.y4;
  }
}

/** y (d0, …, d5) = x (d0, …, d5), any strides; x is the lowest address, strides of x may be negative. */
export function f32_copy(r: CopyRecord): void {
  let xa = r.x + start(r.d0, r.x0) + start(r.d1, r.x1) + start(r.d2, r.x2);
  xa += start(r.d3, r.x3) + start(r.d4, r.x4) + start(r.d5, r.x5);
  let ya = r.y;
  for (let a = r.d0; a != 0; a--) {
    let xb = xa;
    let yb = ya;
    for (let b = r.d1; b != 0; b--) {
      let xc = xb;
      let yc = yb;
      for (let c = r.d2; c != 0; c--) {
        let xd = xc;
        let yd = yc;
        for (let d = r.d3; d != 0; d--) {
          matrix(r, xd, yd);
          xd += r.x3;
          yd += r.y3;
        }
        xc += r.x2;
        yc += r.y2;
      }
      xb += r.x1;
      yb += r.y1;
    }
    xa += r.x0;
    ya += r.y0;
  }
}

/** y (n) = value */
export function f32_fill(r: FillRecord): void {
  const value = f32x4.splat(r.value);
  let y = r.y;
  let n = r.n;
  for (; n >= 4; n -= 4) {
    v128.store(y, value);
    y += 16;
  }
  for (; n != 0; n--) {
    v128.store32_lane(y, value, 0);
    y += 4;
  }
}

/** y (d0, d1, n, run) = x (d0, d1, indices[n], run) */
export function f32_gather(r: GatherRecord): void {
  for (let a: u32 = 0; a < r.d0; a++) {
    for (let b: u32 = 0; b < r.d1; b++) {
      const x = r.x + a * r.x0 + b * r.x1;
      let y = r.y + a * r.y0 + b * r.y1;
      const end = r.indices + 4 * r.n;
      for (let index = r.indices; index < end; index += 4) {
        run(x + load<u32>(index) * r.xIndex, y, r.run);
        y += r.yIndex;
      }
    }
  }
}
