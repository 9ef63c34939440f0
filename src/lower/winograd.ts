// Dense 3×3 convolutions of stride 1 by Winograd's tiles: fewer multiplications, for weights of four times the memory (of 1.8
// times in tiles of 2×2). They are transformed when a model is loaded, so that files do not grow.
import { activationArguments, preluCode } from '../program/activations.ts';
import { widestPad, winogradBand, winogradScratchBytes } from '../program/kernels/winograd.ts';
import { predict } from './cost.ts';
import { winogradWork } from './product-cost.ts';
import type { Lowering, StepCost } from './lowering.ts';
import { packGemm } from './pack.ts';
import type { MatrixProduct, ProductCandidate } from './product.ts';

/** Whether a convolution may be computed by tiles. */
export function isForTiles(
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
  pads: readonly number[],
): boolean {
  const ones = [...stride, ...dilation];
  return kernel.every((k) => k === 3) && ones.every((s) => s === 1) && pads.every((pad) => pad <= widestPad);
}

/** The candidate for a product that is such a convolution; none where the plan or the weights forbid it. */
export function winogradCandidates(p: MatrixProduct, cost: StepCost, lowering: Lowering): ProductCandidate[] {
  const { unpadded } = p;
  const { winograd: tile = 4, costModel } = lowering;
  // infinite weights would reach outputs that direct sums keep finite
  if (!unpadded || !tile || !p.weights.every(Number.isFinite)) return [];
  const shape = { rows: p.rows, columns: p.columns / 9, tile, width: p.width, xWidth: unpadded.width };
  const band = winogradBand(shape, p.height);
  const name = 'f32_winograd_8x4';
  const work = winogradWork(name, { ...shape, batch: p.batch, height: p.height, band }, costModel);
  const emit = () => {
    const constant = { ...packGemm(p.rows, p.columns, p.weights, p.bias), winograd: tile };
    const slopes = p.slopes && lowering.constant({ form: 'f32', data: p.slopes });
    lowering.emit(
      name,
      {
        x: unpadded.x,
        weights: lowering.constant(constant, 'weights'),
        scratch: lowering.scratch(winogradScratchBytes(shape, band)),
        residual: slopes ?? p.residual ?? p.y,
        y: p.y,
        batch: p.batch,
        xBatch: 4 * unpadded.xBatch,
        yBatch: 4 * p.yBatch,
        rows: p.rows,
        rowStart: 0,
        rowCount: p.rows,
        columns: shape.columns,
        tile,
        band,
        firstRow: 0,
        height: p.height,
        width: p.width,
        xHeight: unpadded.height,
        xWidth: unpadded.width,
        top: unpadded.pads[0],
        left: unpadded.pads[1],
        xPlane: 4 * unpadded.xPlane,
        yPlane: 4 * p.yPlane,
        add: p.residual ? 1 : 0,
        ...activationArguments(p.activation),
        ...(slopes ? { activation: preluCode } : {}),
      },
      cost,
    );
  };
  return [{ name, ms: predict(work, costModel), isDense: true, emit }];
}
