// One pixel: a linear layer. The lanes of a vector are the rows of a group, so weights are read once: by dot products, or as wide ones
// where a host has none.
import { storeLanes } from '../elementwise/lanes';
import { DotRecord } from '../generated/records';
import { bounds, lookUp, packed, rounded } from './finish';
import { Form } from './form';

/** The weights of a group at one position: four inputs for each row. */
// @ts-ignore: decorator
@inline
function weightsAt(e: usize, group: u32): v128 {
  return group == 4 ? v128.load(e) : group == 2 ? v128.load64_zero(e) : v128.load32_zero(e);
}

/** y (rows) = W (rows, columns) · x (columns). */
export function single(x: usize, y: usize, group: u32, r: DotRecord): void {
  const entry: usize = 4 + 4 * group;
  const sums = r.scratch;
  const limits = sums + bounds;
  const isDot = load<u32>(r.weights) == Form.dot;
  let e = r.weights;
  for (let row: u32 = 0; row < r.rows; row += 4) {
    const scales = v128.load(e, 4);
    e += 20;
    for (let z = sums, full = sums + 16; z < full; z += 4 * group) {
      const end = e + entry + load<u32>(e);
      let a = weightsAt(e + 4, group);
      let b = i32x4.splat(0);
      e += entry;
      if (ASC_FEATURE_RELAXED_SIMD && isDot) {
        // two chains, since each product waits for the one before
        for (; e + entry < end; e += 2 * entry) {
          a = i32x4.relaxed_dot_i8x16_i7x16_add_s(weightsAt(e + 4, group), v128.load32_splat(x + load<u32>(e)), a);
          const next = e + entry;
          b = i32x4.relaxed_dot_i8x16_i7x16_add_s(weightsAt(next + 4, group), v128.load32_splat(x + load<u32>(next)), b);
        }
      }
      for (; e < end; e += entry) {
        const v = v128.load32_splat(x + load<u32>(e));
        const w = weightsAt(e + 4, group);
        const odd = i16x8.shr_u(v, 8);
        a = i32x4.add(i32x4.dot_i16x8_s(odd, i16x8.shr_s(w, 8)), a);
        const even = i16x8.sub(v, i16x8.shl(odd, 8));
        b = i32x4.add(i32x4.dot_i16x8_s(even, i16x8.shr_s(i16x8.shl(w, 8), 8)), b);
      }
      v128.store(z, i32x4.add(a, b));
    }
    const sum = v128.load(sums);
    if (r.floats != 0) {
      const v = f32x4.mul(f32x4.convert_i32x4_s(sum), scales);
      v128.store(sums, f32x4.pmin(f32x4.pmax(v, v128.load(limits, 16)), v128.load(limits, 32)));
      for (let i: u32 = 0, left = min(r.rows - row, 4); i < left; i++) {
        store<f32>(y, load<f32>(sums + 4 * i));
        y += r.yPlane;
      }
    } else {
      const q = rounded(sum, scales, v128.load(limits));
      const bytes = packed(q, q, q, q, v128.load(limits, 16), v128.load(limits, 32));
      storeLanes(y, bytes, 1);
      if (r.look != 0) lookUp(y, y, 1, r.table);
      y += r.yPlane;
    }
  }
}
