import { activateRow } from './activate';

/** Pixels of `rows` planes that are activated at a time: few enough that they are still in a 48 KiB L1 cache. */
export function activationBlock(rows: u32): u32 {
  return max<u32>(32, 8192 / rows);
}

/** The code of x < 0 ? slope·x : x with a slope for each plane (src/program/activations.ts). */
export const prelu: u32 = 255;

/** Activates `count` pixels of each of `rows` planes in place, exact to the element. `slopes` are read for prelu alone. */
export function activatePlanes(
  y: usize, count: u32, rows: u32, yPlane: u32, fn: u32, alpha: f32, beta: f32, slopes: usize,
): void {
  const leakyRelu: u32 = 2;
  for (; rows != 0; rows--) {
    if (fn == prelu) {
      activateRow(y, y, count, -Infinity, Infinity, leakyRelu, load<f32>(slopes), 0);
      slopes += 4;
    } else {
      activateRow(y, y, count, -Infinity, Infinity, fn, alpha, beta);
    }
    y += yPlane;
  }
}
