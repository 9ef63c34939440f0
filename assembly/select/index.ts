// Positions of the largest elements, and elements by positions that are computed. Positions are floats, as all that is computed.
import { run } from '../copy/run';
import { TakeRecord, TopKRecord } from '../generated/records';

/** The bits of a float as an integer in the order of numbers: −0 is 0, NaN is larger than all. */
// @ts-ignore: decorator
@inline
function orderOf(bits: i32): i32 {
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return i32.MAX_VALUE;
  return bits < 0 ? -magnitude : magnitude;
}

/** Puts `entry` at place `i` of a heap of `n` entries whose least is the first, or deeper. */
function sink(heap: usize, n: u32, i: u32, entry: i64): void {
  for (let child: u32 = 2 * i + 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && load<i64>(heap + 8 * child + 8) < load<i64>(heap + 8 * child)) child++;
    const other = load<i64>(heap + 8 * child);
    if (entry <= other) break;
    store<i64>(heap + 8 * i, other);
    i = child;
  }
  store<i64>(heap + 8 * i, entry);
}

/**
 * y (outer0, outer1, k) = positions of the k largest of x (outer0, outer1, axis), the largest first.
 *
 *   scratch    order in 32 bits, 2³²−1 − position in 32 bits | …    a heap of the k largest so far, the least first
 */
export function f32_top_k(r: TopKRecord): void {
  const heap = r.scratch;
  const k = r.k;
  const flip = -(<i32>r.smallest);
  for (let a: u32 = 0; a < r.outer0; a++) {
    for (let b: u32 = 0; b < r.outer1; b++) {
      let x = r.x + a * r.xOuter0 + b * r.xOuter1;
      for (let i: u32 = 0; i < k; i++) store<i64>(heap + 8 * i, i64.MIN_VALUE);
      let least = i64.MIN_VALUE;
      for (let i: u32 = 0; i < r.axis; i++) {
        const entry = (<i64>(orderOf(load<i32>(x)) ^ flip) << 32) | <i64>~i;
        if (entry > least) {
          sink(heap, k, 0, entry);
          least = load<i64>(heap);
        }
        x += r.xAxis;
      }
      const y = r.y + a * r.yOuter0 + b * r.yOuter1;
      for (let n = k; n != 0; n--) {
        store<f32>(y + (n - 1) * r.yAxis, <f32>(~(<u32>load<i64>(heap))));
        sink(heap, n - 1, 0, load<i64>(heap + 8 * (n - 1)));
      }
    }
  }
}

/** y (d0, d1, d2, run) = x (d0, d1, d2, run) at the position that indices (d0, d1, d2) have along one axis more. */
export function f32_take(r: TakeRecord): void {
  const size = <i32>r.size;
  for (let a: u32 = 0; a < r.d0; a++) {
    for (let b: u32 = 0; b < r.d1; b++) {
      let x = r.x + a * r.x0 + b * r.x1;
      let index = r.indices + a * r.i0 + b * r.i1;
      let y = r.y + a * r.y0 + b * r.y1;
      for (let c = r.d2; c != 0; c--) {
        let i = i32x4.extract_lane(i32x4.trunc_sat_f32x4_s(v128.load32_zero(index)), 0);
        if (i < 0) i += size;
        run(x + <usize>min(max(i, 0), size - 1) * r.xIndex, y, r.run);
        x += r.x2;
        index += r.i2;
        y += r.y2;
      }
    }
  }
}
