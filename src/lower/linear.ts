// Weights × vectors, one pixel per image: linear layers, and convolutions after a global pool.
import { flatTaps, tapOffsets } from './taps.ts';
import { emitStridedCopy } from '../ops/copy.ts';
import { activationArguments } from '../program/activations.ts';
import { paddedPlane } from '../program/layout.ts';
import type { Constant, Pointer } from '../program/program.ts';
import { fastest, predict, quantisedWork } from './cost.ts';
import type { Lowering, StepCost } from './lowering.ts';
import { productWork } from './product-cost.ts';
import type { MatrixProduct, ProductCandidate } from './product.ts';
import { kernelsOf, matrixKernels } from './matrix-kernels.ts';
import type { KernelOfKind } from './matrix-kernels.ts';
import { countKept, packGemm, packSpmm } from './pack.ts';
import type { WeightBits } from './quantise.ts';
import {
  dequantised,
  groupColumns,
  isQuantisable,
  keptGroups,
  packQuantised,
  relativeWeightError,
} from './quantise.ts';

/** Float candidates for y = act(W · x) with one pixel per image: vector by vector, or with the batch as pixels of planes. */
export function linearCandidates(
  p: MatrixProduct,
  cost: StepCost,
  lowering: Lowering,
  overPlanes: (p: MatrixProduct, lowering: Lowering) => ProductCandidate,
): ProductCandidate[] {
  const { costModel } = lowering;
  const { rows, columns, weights } = p;
  const candidates = kernelsOf('vector').map((kernel): ProductCandidate => {
    const isDense = matrixKernels[kernel].group === 'dense';
    const kept = countKept(rows, columns, weights, matrixKernels[kernel]);
    const ms = predict(productWork(kernel, p, kept, costModel), costModel);
    return { name: kernel, ms, isDense, emit: () => emitVectors(p, kernel, cost, lowering) };
  });
  return p.batch > 1 ? [...candidates, transposedCandidate(p, lowering, overPlanes)] : candidates;
}

const weightBits = { int8: 8, int4: 4 } as const;

/** Layers with fewer weights stay f32: they fit a cache, and are small in a file. */
const fewestRounded = 2 ** 14;

/**
 * Emits the product in integers, if the lowering asks for them and they are not slower than the float candidates.
 * @returns whether it did.
 */
export function emitRounded(
  p: MatrixProduct,
  candidates: readonly ProductCandidate[],
  cost: StepCost,
  lowering: Lowering,
): boolean {
  const { costModel, linearWeights } = lowering;
  const { batch, rows, columns, weights } = p;
  if (!linearWeights || rows * columns < fewestRounded || columns > groupColumns * 2 ** 16) return false;
  if (!isQuantisable(weights)) return false;
  const bits = weightBits[linearWeights];
  const name = fastest(candidates);
  const floats = candidates.find((candidate) => candidate.name === name)!;
  // integers are faster than dense floats except in the fastest caches
  if (!floats.isDense) {
    const input = { kernel: 'i16_linear_input', count: 'read', times: (batch * columns) / 4 };
    const work = quantisedWork(bits, batch, rows, keptGroups(rows, columns, weights));
    if (predict([input, ...work], costModel) >= floats.ms) return false;
  }
  emitQuantised(p, bits, cost, lowering);
  return true;
}

/** Rows of `columns` floats, each `batch` floats after the previous one. */
interface Vectors {
  at: Pointer;
  batch: number;
}

/** The inputs in the order of the weights' columns: in place, or gathered. */
function vectorsOf(p: MatrixProduct, lowering: Lowering): Vectors {
  const offsets = tapOffsets(p.taps);
  if (offsets.every((offset, i) => offset === 4 * i)) return { at: p.x, batch: p.xBatch };
  const at = lowering.scratch(4 * p.batch * p.columns);
  lowering.emit('f32_gather', {
    x: p.x,
    indices: lowering.constant({ form: 'i32', data: offsets.map((offset) => offset / 4) }),
    y: at,
    d0: p.batch,
    d1: 1,
    n: p.columns,
    run: 1,
    x0: 4 * p.xBatch,
    x1: 0,
    xIndex: 4,
    y0: 4 * p.columns,
    y1: 0,
    yIndex: 4,
  });
  return { at, batch: p.columns };
}

function common(p: MatrixProduct, x: Vectors) {
  return {
    x: x.at,
    y: p.y,
    batch: p.batch,
    xBatch: 4 * x.batch,
    yBatch: 4 * p.yBatch,
    rows: p.rows,
    columns: p.columns,
    ...activationArguments(p.activation),
  };
}

function emitVectors(p: MatrixProduct, kernel: KernelOfKind<'vector'>, cost: StepCost, lowering: Lowering): void {
  const { rows, columns, weights, bias } = p;
  const x = vectorsOf(p, lowering);
  const { group, tile } = matrixKernels[kernel];
  let constant: Constant;
  if (group === 'dense') constant = packGemm(rows, columns, weights, bias, tile.rows);
  else {
    const taps = lowering.constant({ form: 'taps', taps: flatTaps(columns, 4) });
    constant = packSpmm(rows, columns, group, weights, bias, taps.buffer, 0);
  }
  lowering.emit(kernel, { ...common(p, x), weights: lowering.constant(constant, 'weights') }, cost);
}

/** f32 weights of this many bytes stay in an L2 cache while they multiply all tiles of pixels. */
const blockBytes = 2 ** 18;

/**
 * Transposes the batch into pixels of planes, and back. Each block of rows uses the candidate that is fastest over planes,
 * so that weights are read from memory once.
 */
function transposedCandidate(
  p: MatrixProduct,
  lowering: Lowering,
  overPlanes: (p: MatrixProduct, lowering: Lowering) => ProductCandidate,
): ProductCandidate {
  const { batch, rows, columns } = p;
  const plane = paddedPlane(batch);
  /** The candidates of all blocks, with planes at these addresses. */
  const blocksOf = (x: Pointer, y: Pointer) => {
    const planes = {
      ...p,
      taps: flatTaps(columns, 4 * plane),
      x,
      batch: 1,
      xBatch: 0,
      yBatch: 0,
      height: 1,
      width: batch,
      yPlane: plane,
      rowPixels: 0,
    };
    const block = 4 * Math.max(1, Math.floor(blockBytes / 16 / columns));
    return Array.from({ length: Math.ceil(rows / block) }, (_, i) => {
      const [row, end] = [i * block, Math.min((i + 1) * block, rows)];
      const weights = p.weights.subarray(row * columns, end * columns);
      const at = { buffer: y.buffer, offset: y.offset + 4 * row * plane };
      return overPlanes({ ...planes, rows: end - row, weights, bias: p.bias?.subarray(row, end), y: at }, lowering);
    });
  };
  const copies = [
    { kernel: 'f32_copy_strided', count: 'step', times: 2 },
    { kernel: 'f32_copy_strided', count: 'write', times: (batch * (rows + columns)) / 4 },
  ];
  const predicted = blocksOf(p.x, p.y);
  return {
    name: 'planes',
    ms: predicted.reduce((ms, block) => ms + block.ms, predict(copies, lowering.costModel)),
    isDense: predicted.every(({ isDense }) => isDense),
    emit() {
      const x = vectorsOf(p, lowering);
      const from = { at: lowering.scratch(4 * columns * plane), strides: [1, plane] };
      const to = { at: lowering.scratch(4 * rows * plane), strides: [1, plane] };
      emitStridedCopy(lowering, [batch, columns], { at: x.at, strides: [x.batch, 1] }, from);
      for (const block of blocksOf(from.at, to.at)) block.emit();
      emitStridedCopy(lowering, [batch, rows], to, { at: p.y, strides: [p.yBatch, 1] });
    },
  };
}

/** Rounds weights to integers now; inputs are rounded to 16 bits when the layer runs. */
function emitQuantised(p: MatrixProduct, bits: WeightBits, cost: StepCost, lowering: Lowering): void {
  const { batch, rows, columns, weights, bias } = p;
  const x = vectorsOf(p, lowering);
  const constant = packQuantised(rows, columns, bits, weights, bias);
  const error = relativeWeightError(weights, dequantised(constant));
  lowering.note(`weights rounded to int${bits}, relative error ${(100 * error).toPrecision(2)} %`);
  const input = lowering.scratch(batch * (16 + 32 * Math.ceil(columns / groupColumns)));
  lowering.emit('i16_linear_input', { x: x.at, y: input, batch, xBatch: 4 * x.batch, columns });
  const packed = lowering.constant(constant);
  const kernel = bits === 8 ? 'i8_linear' : 'i4_linear';
  lowering.emit(kernel, { ...common(p, { at: input, batch: 0 }), weights: packed }, cost);
}
