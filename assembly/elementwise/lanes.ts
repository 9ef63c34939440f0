/** Stores the first 1…3 lanes. */
export function storeLanes(y: usize, v: v128, count: u32): void {
  if (count & 2) {
    v128.store64_lane(y, v, 0);
    v = i64x2.shuffle(v, v, 1, 1);
    y += 8;
  }
  if (count & 1) v128.store32_lane(y, v, 0);
}

/** All ones in the first `count` lanes. */
// @ts-ignore: decorator
@inline
export function firstLanes(count: u32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}
