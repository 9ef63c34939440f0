import { activateRow } from './activate';

/** Pixels of `rows` planes that are activated at a time: few enough that they are still in a 48 KiB L1 cache. */
export function activationBlock(rows: u32): u32 {
  return max<u32>(32, 8192 / rows);
}

/** Activates `count` pixels of each of `rows` planes in place, exact to the element. */
export function activatePlanes(y: usize, count: u32, rows: u32, yPlane: u32, fn: u32, alpha: f32, beta: f32): void {
  for (; rows != 0; rows--) {
    activateRow(y, y, count, -Infinity, Infinity, fn, alpha, beta);
    y += yPlane;
  }
}
