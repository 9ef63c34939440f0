// 5×5 over one plane, 4 or 7 rows × 4 pixels at a time, one kernel column after the other: its five weights are applied to
// each input row of the tile once. Tiles at the right and lower edge overlap their neighbours: planes have at least 4
// rows of 4 pixels.
import { tile5x5_4, tile5x5_7 } from '../generated/depthwise5x5-tiles';
import { DepthwiseRecord } from '../generated/records';
import { madd } from '../madd';

/** x: rows of `row` bytes, weights: bias, then 5×5. Tiles of seven rows where they leave fewer over: at 14² and 7². */
export function plane5x5(r: DepthwiseRecord, x: usize, row: usize, weights: usize, y: usize): void {
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const yRow: usize = 4 * r.width;
  const lastColumn = yRow - 16;
  const height = r.height;
  const seven = height >= 7 && ((height + 6) / 7) * 7 < ((height + 3) & ~3);
  const rows: u32 = seven ? 7 : 4;
  const lastRow = height - rows;
  for (let i: u32 = 0; ; i = min(i + rows, lastRow)) {
    const from = x + i * row;
    const to = y + i * yRow;
    for (let j: usize = 0; ; j = min<usize>(j + 16, lastColumn)) {
      if (seven) tile5x5_7(from + j, row, weights, to + j, yRow, lo, hi);
      else tile5x5_4(from + j, row, weights, to + j, yRow, lo, hi);
      if (j == lastColumn) break;
    }
    if (i == lastRow) break;
  }
}

/** x: phases (0, 0), (0, 1), (1, 0), (1, 1) of `phase` bytes, rows of `row` bytes. */
export function plane5x5s2(r: DepthwiseRecord, x: usize, row: usize, phase: usize, weights: usize, y: usize): void {
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const yRow: usize = 4 * r.width;
  const lastColumn = yRow - 16;
  const lastRow = r.height - 4;
  for (let i: u32 = 0; ; i = min(i + 4, lastRow)) {
    const from = x + i * row;
    const to = y + i * yRow;
    for (let j: usize = 0; ; j = min<usize>(j + 16, lastColumn)) {
      let a = v128.load32_splat(weights);
      let b = a;
      let c = a;
      let d = a;
      for (let k: usize = 0; k != 5; k++) {
        const w = weights + 4 * k;
        const even = from + j + (k & 1) * phase + 4 * (k >> 1);
        // Kernel rows 0, 2 and 4 lie in the phases of even rows.
        let w0 = v128.load32_splat(w, 4);
        let w1 = v128.load32_splat(w, 44);
        const w2 = v128.load32_splat(w, 84);
        let p = even;
        a = madd(v128.load(p), w0, a);
        p += row;
        let v = v128.load(p);
        a = madd(v, w1, a);
        b = madd(v, w0, b);
        p += row;
        v = v128.load(p);
        a = madd(v, w2, a);
        b = madd(v, w1, b);
        c = madd(v, w0, c);
        p += row;
        v = v128.load(p);
        b = madd(v, w2, b);
        c = madd(v, w1, c);
        d = madd(v, w0, d);
        p += row;
        v = v128.load(p);
        c = madd(v, w2, c);
        d = madd(v, w1, d);
        p += row;
        d = madd(v128.load(p), w2, d);
        // Rows 1 and 3 lie in those of odd rows.
        w0 = v128.load32_splat(w, 24);
        w1 = v128.load32_splat(w, 64);
        p = even + 2 * phase;
        a = madd(v128.load(p), w0, a);
        p += row;
        v = v128.load(p);
        a = madd(v, w1, a);
        b = madd(v, w0, b);
        p += row;
        v = v128.load(p);
        b = madd(v, w1, b);
        c = madd(v, w0, c);
        p += row;
        v = v128.load(p);
        c = madd(v, w1, c);
        d = madd(v, w0, d);
        p += row;
        d = madd(v128.load(p), w1, d);
      }
      let q = to + j;
      v128.store(q, f32x4.pmin(f32x4.pmax(a, lo), hi));
      q += yRow;
      v128.store(q, f32x4.pmin(f32x4.pmax(b, lo), hi));
      q += yRow;
      v128.store(q, f32x4.pmin(f32x4.pmax(c, lo), hi));
      q += yRow;
      v128.store(q, f32x4.pmin(f32x4.pmax(d, lo), hi));
      if (j == lastColumn) break;
    }
    if (i == lastRow) break;
  }
}
