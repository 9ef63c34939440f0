// y (N, C·m, H′, W′) = act(bias + kernel (C·m, kh, kw) ⋆ x (N, C, H, W)), one plane at a time.
//
// 3×3 windows read planes in place. For other windows a plane is padded, and split into phases when strides are not 1,
// into a scratch that stays in the L1 cache. The clamp is part of the tiles; other activations run over the finished
// plane, in the L1 cache.
import { activatePlanes, prelu } from '../elementwise/planes';
import { DepthwiseRecord, DepthwiseTapsRecord } from '../generated/records';
import { padPlane } from '../pad/plane';
import { missingBottom, missingLeft, missingRight, missingTop, plane3x3, plane3x3s2 } from './plane3x3';
import { plane5x5, plane5x5s2 } from './plane5x5';
import { planeAny } from './plane-any';

/** The borders of one pixel that a plane lacks for 3×3 windows in place. */
function missingBorders(r: DepthwiseRecord, stride: u32): u32 {
  if (r.rows != 0) return 0;
  let missing: u32 = 0;
  if (r.top != 0) missing |= missingTop;
  if (r.left != 0) missing |= missingLeft;
  if ((r.height - 1) * stride + 2 - r.top >= r.xHeight) missing |= missingBottom;
  if ((r.width - 1) * stride + 2 - r.left >= r.xWidth) missing |= missingRight;
  return missing;
}

function planes(r: DepthwiseRecord, area: u32, kind: u32): void {
  const inPlace = r.rows == 0;
  const row = 4 * (inPlace ? r.xWidth : r.columns);
  const phase = r.rows * row;
  const missing = missingBorders(r, kind == 1 ? 2 : 1);
  let border = true;
  for (let n: u32 = 0; n < r.batch; n++) {
    let x = r.x + n * r.xBatch;
    let y = r.y + n * r.yBatch;
    let weights = r.weights;
    for (let c = r.channels; c != 0; c--) {
      let from = x;
      if (!inPlace) {
        from = r.scratch;
        padPlane(
          x, r.xHeight, r.xWidth, from, phase, r.rows, r.columns,
          r.strideH, r.strideW, r.phasesH, r.phasesW, r.top, r.left, 0, border,
        );
        border = false;
      }
      for (let m = r.multiplier; m != 0; m--) {
        if (kind == 0) plane3x3(r, from, row, missing, weights, y);
        else if (kind == 1) plane3x3s2(r, from, row, missing, weights, y);
        else if (kind == 2) plane5x5(r, from, row, weights, y);
        else if (kind == 3) plane5x5s2(r, from, row, phase, weights, y);
        else planeAny(changetype<DepthwiseTapsRecord>(changetype<usize>(r)), from, row, weights, y);
        if (r.activation != 0) {
          const slope = weights + 4 * (area + 1);
          activatePlanes(y, r.height * r.width, 1, 0, r.activation, r.alpha, r.beta, slope);
        }
        weights += 4 * (area + (r.activation == prelu ? 2 : 1));
        y += r.yPlane;
      }
      x += r.xPlane;
    }
  }
}

export function f32_depthwise_3x3(r: DepthwiseRecord): void {
  planes(r, 9, 0);
}

export function f32_depthwise_3x3s2(r: DepthwiseRecord): void {
  planes(r, 9, 1);
}

export function f32_depthwise_5x5(r: DepthwiseRecord): void {
  planes(r, 25, 2);
}

export function f32_depthwise_5x5s2(r: DepthwiseRecord): void {
  planes(r, 25, 3);
}

/** The fields of DepthwiseTapsRecord start with those of DepthwiseRecord. */
export function f32_depthwise(r: DepthwiseTapsRecord): void {
  planes(changetype<DepthwiseRecord>(changetype<usize>(r)), r.area, 4);
}
