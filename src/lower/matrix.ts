// Weights × shifted planes: convolutions and linear layers lower to these products.
import type { MatrixProduct, ProductCandidate } from './product.ts';
import { activationArguments, preluCode } from '../program/activations.ts';
import { packedVectors } from '../program/kernels/gemm.ts';
import { matrixScratchBytes } from '../program/kernels/matrix.ts';
import { largestBlock, mostRows } from '../program/spmm-stream.ts';
import { packedTiles, pixelsOf } from '../program/tiles.ts';
import type { Tile } from '../program/tiles.ts';
import type { Core } from './cost-model.ts';
import type { Lowering, StepCost } from './lowering.ts';
import { fastest, padWork, predict } from './cost.ts';
import { emitRounded, linearCandidates } from './linear.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import { kernelsOf, matrixKernels } from './matrix-kernels.ts';
import { countKept, packGemm, packSpmm } from './pack.ts';
import { productWork } from './product-cost.ts';
import { addAfter } from './residual.ts';
import { winogradCandidates } from './winograd.ts';

type PlaneKind = 'flat' | 'shifted';

/** Emits y = act(W · x) with the candidate that the cost model or tuning finds fastest for the weights' own zeros. */
export function emitMatrixProduct(p: MatrixProduct, lowering: Lowering): void {
  const { rows, columns, batch, height, width, rowPixels } = p;
  const kind = height * width === 1 ? 'vector' : rowPixels === 0 ? 'flat' : 'shifted';
  if (kind === 'vector' && p.residual) {
    return addAfter(p, lowering, (product) => emitMatrixProduct(product, lowering));
  }
  const cost = costOf(p);
  const candidates =
    kind === 'vector'
      ? linearCandidates(p, cost, lowering, fastestCandidate)
      : planeCandidates(p, kind, cost, lowering);
  if (kind === 'vector' && emitRounded(p, candidates, cost, lowering)) return;
  if (kind === 'shifted') candidates.push(...winogradCandidates(p, cost, lowering));
  const density = candidates.map(({ ms }) => Math.round((20 * ms) / candidates[0].ms));
  const chosen = lowering.choose(
    candidates,
    `${[rows, columns, batch, height, width, rowPixels, p.residual ? 1 : 0]} ${density}`,
  );
  candidates.find(({ name }) => name === chosen)!.emit();
}

function costOf({ rows, columns, weights, batch, height, width }: MatrixProduct): StepCost {
  let nonzeros = 0;
  for (const w of weights) if (w !== 0) nonzeros++;
  return {
    macs: batch * height * width * rows * columns,
    effectiveMacs: batch * height * width * nonzeros,
    sparsity: 1 - nonzeros / (rows * columns),
  };
}

/** The fastest candidate for a pointwise product by the cost model. It is part of another candidate, so tuning does not choose it. */
function fastestCandidate(p: MatrixProduct, lowering: Lowering): ProductCandidate {
  const candidates = planeCandidates(p, 'flat', costOf(p), lowering);
  const name = fastest(candidates);
  return candidates.find((candidate) => candidate.name === name)!;
}

/** All float candidates for a product over planes, dense first. */
function planeCandidates(p: MatrixProduct, kind: PlaneKind, cost: StepCost, lowering: Lowering): ProductCandidate[] {
  const { costModel } = lowering;
  // only where a candidate has no such copy
  const copyMs = p.unpadded && p.copied ? predict(padWork(p.copied), costModel) : 0;
  return kernelsOf(kind).flatMap((kernel): ProductCandidate[] => {
    const { group, tile } = matrixKernels[kernel];
    const isDense = group === 'dense';
    const block = isDense ? undefined : blockOf(p, tile, costModel);
    if (!isDense && p.rows > mostRows) return [];
    const kept = countKept(p.rows, p.columns, p.weights, matrixKernels[kernel]);
    const ms = copyMs + predict(productWork(kernel, p, kept, costModel, block), costModel);
    return [{ name: kernel, ms, isDense, emit: () => emitOne(p, kernel, cost, lowering) }];
  });
}

/** Share of an L1 cache for a tile of a block's columns; the rest is for weights and outputs. */
const cacheShare = 0.82;

/**
 * Columns that sparse kernels sum at a time, at most, so that a tile of them stays in the L1 cache. The taps of a kernel's row
 * read nearly the same pixels.
 */
export function blockOf({ taps }: Pick<MatrixProduct, 'taps'>, tile: Tile, { l1Bytes }: Core): number {
  const columns = Math.floor((cacheShare * l1Bytes) / (4 * pixelsOf(tile)));
  return Math.min(columns * taps.kernel[1], largestBlock);
}

/** Arguments common to all kernels over planes, which are interchangeable. */
function planesOf(p: MatrixProduct, lowering: Lowering) {
  const slopes = p.slopes && lowering.constant({ form: 'f32', data: p.slopes });
  return {
    x: p.x,
    y: p.y,
    batch: p.batch,
    xBatch: 4 * p.xBatch,
    yBatch: 4 * p.yBatch,
    rows: p.rows,
    height: p.height,
    width: p.width,
    rowPixels: p.rowPixels,
    yPlane: 4 * p.yPlane,
    residual: slopes ?? p.residual ?? p.y,
    add: p.residual ? 1 : 0,
    columns: p.columns,
    ...activationArguments(p.activation),
    ...(slopes ? { activation: preluCode } : {}),
  };
}

/** Emits the step. Dense kernels pack its tiles first. */
function emitOne(p: MatrixProduct, kernel: MatrixKernelName, cost: StepCost, lowering: Lowering) {
  const { rows, columns } = p;
  const { group, tile } = matrixKernels[kernel];
  const taps = lowering.constant({ form: 'taps', taps: p.taps });
  const constant =
    group === 'dense'
      ? packGemm(rows, columns, p.weights, p.bias)
      : packSpmm(rows, columns, group, p.weights, p.bias, taps.buffer, blockOf(p, tile, lowering.costModel));
  const weights = lowering.constant(constant, 'weights');
  const vectors = p.rowPixels === 0 ? packedVectors(p.height * p.width, columns) : 1;
  const packed = group === 'dense' ? vectors : 0;
  const most = Math.max(packedTiles.dense.vectors, packed);
  const scratch = packed ? lowering.scratch(matrixScratchBytes(columns, { ...packedTiles.dense, vectors: most })) : p.y;
  lowering.emit(kernel, { ...planesOf(p, lowering), taps, weights, scratch, packed } as never, cost);
}
