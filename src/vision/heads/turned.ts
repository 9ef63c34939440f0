// How far two turned boxes are the same.
import type { Candidates } from '../candidates.ts';

/**
 * The probabilistic IoU (https://arxiv.org/abs/2106.06072) of turned boxes i and j, as Ultralytics suppresses by it: one less
 * the Hellinger distance of two normal distributions with the boxes' centres and second moments.
 */
export function probabilisticOverlap({ boxes, angles }: Candidates, i: number, j: number): number {
  const [a, b] = [momentsOf(boxes, 4 * i, angles?.[i] ?? 0), momentsOf(boxes, 4 * j, angles?.[j] ?? 0)];
  const tiny = 1e-7;
  const [xx, yy, xy] = [a.xx + b.xx, a.yy + b.yy, a.xy + b.xy];
  const determinant = xx * yy - xy * xy;
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  const apart = (xx * dy * dy + yy * dx * dx) / (determinant + tiny) / 4 - (xy * dx * dy) / (determinant + tiny) / 2;
  const areas = Math.max(a.xx * a.yy - a.xy * a.xy, 0) * Math.max(b.xx * b.yy - b.xy * b.xy, 0);
  const unlike = Math.log(determinant / (4 * Math.sqrt(areas) + tiny) + tiny) / 2;
  const distance = Math.min(Math.max(apart + unlike, tiny), 100); // Bhattacharyya
  return 1 - Math.sqrt(1 - Math.exp(-distance) + tiny);
}

function momentsOf(boxes: Float32Array, at: number, angle: number) {
  const [left, top, right, bottom] = boxes.subarray(at, at + 4);
  const [along, across] = [(right - left) ** 2 / 12, (bottom - top) ** 2 / 12];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return {
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    xx: along * cos * cos + across * sin * sin,
    yy: along * sin * sin + across * cos * cos,
    xy: (along - across) * cos * sin,
  };
}
