// Weights × shifted planes: convolutions and linear layers lower to these products.
import type { MatrixProduct, ProductCandidate } from './product.ts';
import { activationArguments, preluCode } from '../program/activations.ts';
import { packedVectors } from '../program/kernels/gemm.ts';
import { matrixScratchBytes } from '../program/kernels/matrix.ts';
import type { TapTable } from '../program/program.ts';
import { packedTiles } from '../program/tiles.ts';
import { int8Candidates } from './int8.ts';
import type { Lowering, StepCost } from './lowering.ts';
import { fastest, padWork, predict, productWork } from './cost.ts';
import { emitRounded, linearCandidates } from './linear.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import { kernelsOf, matrixKernels } from './matrix-kernels.ts';
import { countKept, packGemm, packSpmm } from './pack.ts';
import { flatTaps } from './taps.ts';
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
  if (p.range && kind === 'flat') candidates.push(...int8Candidates(p, p.range, cost, lowering));
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
    const kept = countKept(p.rows, p.columns, p.weights, matrixKernels[kernel]);
    const isDense = group === 'dense';
    const ms = copyMs + predict(productWork(kernel, p, kept, costModel, isDense ? 1 : 0), costModel);
    const plain = { name: kernel, ms, isDense, emit: () => emitPlain(p, kernel, cost, lowering) };
    if (tile !== packedTiles.sparse || p.columns < minPacked) return [plain];
    const runs = runsOf(p, kind);
    if (p.slopes && runs > 1) return [plain]; // the last run has the sum of the others for its residual
    const packedMs = copyMs + predict(productWork(kernel, p, kept, costModel, runs), costModel);
    const emit = () => emitPacked(p, kind, kernel, cost, lowering);
    return [plain, { name: `${kernel} packed`, ms: packedMs, isDense, emit }];
  });
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

/** Emits one step. Dense kernels pack its tiles first. */
function emitPlain(p: MatrixProduct, kernel: MatrixKernelName, cost: StepCost, lowering: Lowering) {
  const { group } = matrixKernels[kernel];
  const taps = lowering.constant({ form: 'taps', taps: p.taps });
  const constant =
    group === 'dense'
      ? packGemm(p.rows, p.columns, p.weights, p.bias)
      : packSpmm(p.rows, p.columns, group, p.weights, p.bias, taps.buffer);
  const weights = lowering.constant(constant, 'weights');
  const vectors = p.rowPixels === 0 ? packedVectors(p.height * p.width, p.columns) : 1;
  const packed = group === 'dense' ? vectors : 0;
  const most = Math.max(packedTiles.dense.vectors, packed);
  const scratch = lowering.scratch(matrixScratchBytes(p.columns, { ...packedTiles.dense, vectors: most }));
  lowering.emit(kernel, { ...planesOf(p, lowering), taps, weights, scratch, packed } as never, cost);
}

/** With fewer columns, tiles need no packing because they stay cached anyway. */
const minPacked = 96;

/** Packed tiles of this many columns stay in an L1 cache of 48 KiB beside the weights and the output. */
const packedColumns = 320;

/**
 * Steps that the columns are divided among. One if vectors straddle rows of pixels, because their spill would be added.
 */
function runsOf({ width, columns }: MatrixProduct, kind: PlaneKind): number {
  return kind === 'flat' || width % 4 === 0 ? Math.ceil(columns / packedColumns) : 1;
}

/**
 * Emits unstructured rows over packed tiles. Many columns are divided into runs; each run is a step that adds to the output
 * of the previous steps.
 */
function emitPacked(
  p: MatrixProduct,
  kind: PlaneKind,
  matrixKernel: MatrixKernelName,
  cost: StepCost,
  lowering: Lowering,
): void {
  const { channels, kernel } = p.taps;
  const area = kernel[0] * kernel[1];
  const most = Math.ceil(channels / runsOf(p, kind));
  const scratch = lowering.scratch(matrixScratchBytes(area * most, packedTiles.sparse));
  for (let first = 0; first < channels; first += most) {
    const count = Math.min(most, channels - first);
    const columns = area * count;
    const isLast = first + count === channels;
    const taps = { ...p.taps, channels: count };
    const offsets = lowering.constant({ form: 'taps', taps: packedTaps(columns) });
    const weights = columnsOf(p.weights, p.rows, p.columns, area * first, columns);
    const step = {
      ...planesOf(p, lowering),
      ...(isLast ? {} : activationArguments(undefined)),
      ...(first === 0 ? {} : { residual: p.y, add: 1 }),
      x: { buffer: p.x.buffer, offset: p.x.offset + first * p.taps.channelBytes },
      taps: lowering.constant({ form: 'taps', taps }),
      weights: lowering.constant(
        packSpmm(p.rows, columns, 1, weights, first === 0 ? p.bias : undefined, offsets.buffer),
        'weights',
      ),
      scratch,
      columns,
      packed: 1,
    };
    lowering.emit(matrixKernel as 'f32_spmm_28x1', step, first === 0 ? cost : undefined);
  }
}

/** Offsets of the columns in a packed tile. */
export const packedTaps = (columns: number): TapTable => flatTaps(columns, matrixScratchBytes(1, packedTiles.sparse));

/** `count` columns of (rows, columns) weights, from column `first`. */
function columnsOf(weights: Float32Array, rows: number, columns: number, first: number, count: number): Float32Array {
  if (count === columns) return weights;
  const part = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const from = row * columns + first;
    part.set(weights.subarray(from, from + count), row * count);
  }
  return part;
}
