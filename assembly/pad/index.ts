// y (planes, phases, rows, columns) = x (planes, height, width) with a border, split into phases. f32_pad in
// src/program/kernels/pad.ts defines where each pixel goes.
import { PadRecord } from '../generated/records';
import { padPlane } from './plane';

export function f32_pad(r: PadRecord): void {
  let x = r.x;
  let y = r.y;
  for (let plane = r.planes; plane != 0; plane--) {
    padPlane(
      x, r.xHeight, r.xWidth, y, r.yPhase, r.rows, r.columns,
      r.strideH, r.strideW, r.phasesH, r.phasesW, r.top, r.left, r.value, true,
    );
    x += r.xPlane;
    y += r.yPlane;
  }
}
