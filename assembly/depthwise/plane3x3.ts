// 3×3 over one plane, 4 or 2 rows × 4 pixels at a time, the nine weights in registers. Tiles at the right and lower edge overlap
// their neighbours instead of running over: planes are at least 2 rows of 4 pixels.
import { DepthwiseRecord } from '../generated/records';
import { madd } from '../madd';

/** x: rows of `row` bytes, weights: bias, then 3×3. */
export function plane3x3(r: DepthwiseRecord, x: usize, row: usize, weights: usize, y: usize): void {
  const bias = v128.load32_splat(weights);
  const w00 = v128.load32_splat(weights, 4), w01 = v128.load32_splat(weights, 8), w02 = v128.load32_splat(weights, 12);
  const w10 = v128.load32_splat(weights, 16), w11 = v128.load32_splat(weights, 20), w12 = v128.load32_splat(weights, 24);
  const w20 = v128.load32_splat(weights, 28), w21 = v128.load32_splat(weights, 32), w22 = v128.load32_splat(weights, 36);
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const yRow: usize = 4 * r.width;
  const lastColumn = yRow - 16;
  let i: u32 = 0;
  for (; i + 4 <= r.height; i += 4) {
    const from = x + i * row;
    const to = y + i * yRow;
    for (let j: usize = 0; ; j = min<usize>(j + 16, lastColumn)) {
      let p = from + j;
      let q = to + j;
      let u = v128.load(p);
      let v = v128.load(p, 4);
      let w = v128.load(p, 8);
      let a = madd(w, w02, madd(v, w01, madd(u, w00, bias)));
      p += row;
      u = v128.load(p);
      v = v128.load(p, 4);
      w = v128.load(p, 8);
      a = madd(w, w12, madd(v, w11, madd(u, w10, a)));
      let b = madd(w, w02, madd(v, w01, madd(u, w00, bias)));
      p += row;
      u = v128.load(p);
      v = v128.load(p, 4);
      w = v128.load(p, 8);
      a = madd(w, w22, madd(v, w21, madd(u, w20, a)));
      v128.store(q, f32x4.pmin(f32x4.pmax(a, lo), hi));
      q += yRow;
      b = madd(w, w12, madd(v, w11, madd(u, w10, b)));
      let c = madd(w, w02, madd(v, w01, madd(u, w00, bias)));
      p += row;
      u = v128.load(p);
      v = v128.load(p, 4);
      w = v128.load(p, 8);
      b = madd(w, w22, madd(v, w21, madd(u, w20, b)));
      v128.store(q, f32x4.pmin(f32x4.pmax(b, lo), hi));
      q += yRow;
      c = madd(w, w12, madd(v, w11, madd(u, w10, c)));
      let d = madd(w, w02, madd(v, w01, madd(u, w00, bias)));
      p += row;
      u = v128.load(p);
      v = v128.load(p, 4);
      w = v128.load(p, 8);
      c = madd(w, w22, madd(v, w21, madd(u, w20, c)));
      v128.store(q, f32x4.pmin(f32x4.pmax(c, lo), hi));
      q += yRow;
      d = madd(w, w12, madd(v, w11, madd(u, w10, d)));
      p += row;
      u = v128.load(p);
      v = v128.load(p, 4);
      w = v128.load(p, 8);
      d = madd(w, w22, madd(v, w21, madd(u, w20, d)));
      v128.store(q, f32x4.pmin(f32x4.pmax(d, lo), hi));
      if (j == lastColumn) break;
    }
  }
  while (i < r.height) {
    i = min(i, r.height - 2);
    const from = x + i * row;
    const to = y + i * yRow;
    for (let j: usize = 0; ; j = min<usize>(j + 16, lastColumn)) {
      let p = from + j;
      let v = v128.load(p);
      let a = madd(v, w00, bias);
      v = v128.load(p, 4);
      a = madd(v, w01, a);
      v = v128.load(p, 8);
      a = madd(v, w02, a);
      p += row;
      v = v128.load(p);
      a = madd(v, w10, a);
      let b = madd(v, w00, bias);
      v = v128.load(p, 4);
      a = madd(v, w11, a);
      b = madd(v, w01, b);
      v = v128.load(p, 8);
      a = madd(v, w12, a);
      b = madd(v, w02, b);
      p += row;
      v = v128.load(p);
      a = madd(v, w20, a);
      b = madd(v, w10, b);
      v = v128.load(p, 4);
      a = madd(v, w21, a);
      b = madd(v, w11, b);
      v = v128.load(p, 8);
      a = madd(v, w22, a);
      b = madd(v, w12, b);
      p += row;
      b = madd(v128.load(p), w20, b);
      b = madd(v128.load(p, 4), w21, b);
      b = madd(v128.load(p, 8), w22, b);
      const q = to + j;
      v128.store(q, f32x4.pmin(f32x4.pmax(a, lo), hi));
      v128.store(q + yRow, f32x4.pmin(f32x4.pmax(b, lo), hi));
      if (j == lastColumn) break;
    }
    i += 2;
  }
}

/**
 * Down one column of four pixels after the other: a row between two outputs belongs to both and stays in registers.
 * x: phases (0, 0), (0, 1), (1, 0), (1, 1) of `phase` bytes, rows of `row` bytes.
 */
export function plane3x3s2(r: DepthwiseRecord, x: usize, row: usize, phase: usize, weights: usize, y: usize): void {
  const bias = v128.load32_splat(weights);
  const w00 = v128.load32_splat(weights, 4), w01 = v128.load32_splat(weights, 8), w02 = v128.load32_splat(weights, 12);
  const w10 = v128.load32_splat(weights, 16), w11 = v128.load32_splat(weights, 20), w12 = v128.load32_splat(weights, 24);
  const w20 = v128.load32_splat(weights, 28), w21 = v128.load32_splat(weights, 32), w22 = v128.load32_splat(weights, 36);
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const yRow: usize = 4 * r.width;
  const lastColumn = yRow - 16;
  const height: usize = r.height;
  for (let j: usize = 0; ; j = min<usize>(j + 16, lastColumn)) {
    let even = x + j;
    let odd = even + phase + phase;
    let q = y + j;
    let u = v128.load(even);
    let v = v128.load(even + phase);
    let w = v128.load(even, 4);
    for (let i = height; i != 0; i--) {
      let a = madd(w, w02, madd(v, w01, madd(u, w00, bias)));
      a = madd(v128.load(odd), w10, a);
      a = madd(v128.load(odd + phase), w11, a);
      a = madd(v128.load(odd, 4), w12, a);
      odd += row;
      even += row;
      u = v128.load(even);
      v = v128.load(even + phase);
      w = v128.load(even, 4);
      a = madd(w, w22, madd(v, w21, madd(u, w20, a)));
      v128.store(q, f32x4.pmin(f32x4.pmax(a, lo), hi));
      q += yRow;
    }
    if (j == lastColumn) break;
  }
}
