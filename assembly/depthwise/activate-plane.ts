import { activate } from '../elementwise/activate';

/** Applies an activation to a plane in place; a plane of more than one pixel may be dirtied up to 3 floats past its end. */
export function activatePlane(y: usize, pixels: u32, fn: u32, alpha: f32, beta: f32): void {
  if (pixels == 1) {
    v128.store32_lane(y, activate(v128.load32_splat(y), fn, alpha, beta), 0);
    return;
  }
  for (const end = y + 4 * pixels; y < end; y += 16) v128.store(y, activate(v128.load(y), fn, alpha, beta));
}
