import { DepthwiseTapsRecord } from '../generated/records';
import { madd } from '../madd';

/**
 * Any kernel over one plane, 4 rows × 4 pixels at a time. Missing rows repeat the last one. The last pixels of a row
 * overlap the ones before; rows of fewer than 4 pixels spill into the next row, which is stored after them.
 */
export function planeAny(r: DepthwiseTapsRecord, x: usize, row: usize, weights: usize, y: usize): void {
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const taps = r.taps;
  const end = taps + 4 * r.area;
  const yRow: usize = 4 * r.width;
  const lastColumn: usize = max(yRow, 16) - 16;
  const last = r.height - 1;
  const onePixel = r.height * r.width == 1;
  for (let i: u32 = 0; i <= last; i += 4) {
    const i1 = min(i + 1, last);
    const i2 = min(i + 2, last);
    const i3 = min(i + 3, last);
    for (let j: usize = 0; ; j = min<usize>(j + 16, lastColumn)) {
      const p0 = x + j + i * row;
      const p1 = x + j + i1 * row;
      const p2 = x + j + i2 * row;
      const p3 = x + j + i3 * row;
      let a = v128.load32_splat(weights);
      let b = a;
      let c = a;
      let d = a;
      let w = weights;
      for (let tap = taps; tap != end; tap += 4) {
        w += 4;
        const weight = v128.load32_splat(w);
        const offset = load<u32>(tap);
        a = madd(v128.load(p0 + offset), weight, a);
        b = madd(v128.load(p1 + offset), weight, b);
        c = madd(v128.load(p2 + offset), weight, c);
        d = madd(v128.load(p3 + offset), weight, d);
      }
      a = f32x4.pmin(f32x4.pmax(a, lo), hi);
      const q = y + j;
      if (onePixel) {
        v128.store32_lane(q, a, 0);
        return;
      }
      v128.store(q + i * yRow, a);
      v128.store(q + i1 * yRow, f32x4.pmin(f32x4.pmax(b, lo), hi));
      v128.store(q + i2 * yRow, f32x4.pmin(f32x4.pmax(c, lo), hi));
      v128.store(q + i3 * yRow, f32x4.pmin(f32x4.pmax(d, lo), hi));
      if (j == lastColumn) break;
    }
  }
}
