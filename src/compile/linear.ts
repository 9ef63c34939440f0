// Weights × vectors, one pixel an image: linear layers and what follows a global pool.
import { emitStridedCopy } from '../ops/copy.ts';
import { activationArguments } from '../program/activations.ts';
import { paddedPlane } from '../program/layout.ts';
import type { Pointer, TapTable } from '../program/program.ts';
import type { LinearCosts } from './cost.ts';
import type { Lowering, StepCost } from './lowering.ts';
import type { MatrixProduct } from './matrix.ts';
import { chooseEncoding, packPanels, packSpmm } from './pack.ts';
import type { Encoding } from './pack.ts';
import type { WeightBits } from './quantise.ts';
import {
  dequantised,
  groupColumns,
  isQuantisable,
  keptGroups,
  packQuantised,
  relativeWeightError,
} from './quantise.ts';

const sparseKernels = { 1: 'f32_linear_sparse', 4: 'f32_linear_sparse_4' } as const;
const quantisedKernels = { 4: 'i4_linear', 8: 'i8_linear' } as const;

/**
 * Emits y = act(W · x) for one pixel an image, the cheapest way by the cost model: vector by vector, f32 or in integers where
 * the lowering asks for them, or with the batch as the pixels of planes, which `emitPlanes` emits.
 */
export function emitLinear(
  p: MatrixProduct,
  lowering: Lowering,
  emitPlanes: (p: MatrixProduct, lowering: Lowering) => void,
): void {
  const { vector, planes } = lowering.costModel;
  const byVector = chooseEncoding(p.rows, p.columns, p.weights, vector, [1, 4]);
  const byPlanes = chooseEncoding(p.rows, p.columns, p.weights, planes);
  const vectorCost = p.batch * byVector.cost;
  const transposedCost = p.batch > 1 ? planesCost(p, vector, byPlanes) : Infinity;
  const isTransposed = transposedCost < vectorCost;
  if (lowering.linearWeights && canRound(p)) {
    const bits = weightBits[lowering.linearWeights];
    // integers outrun what is dense in all but the hottest caches
    const isDense = (isTransposed ? byPlanes : byVector).group === 'dense';
    if (isDense || quantisedCost(p, vector, bits) < Math.min(vectorCost, transposedCost)) {
      return emitQuantised(p, bits, byVector, lowering);
    }
  }
  const x = vectorsOf(p, lowering);
  if (isTransposed) emitTransposed(p, x, lowering, emitPlanes);
  else emitVectors(p, x, byVector, lowering);
}

const weightBits = { int8: 8, int4: 4 } as const;

/** Fewer weights than these stay f32: they are in a cache, and small in a file. */
const fewestRounded = 2 ** 14;

function canRound({ rows, columns, weights }: MatrixProduct): boolean {
  return rows * columns >= fewestRounded && columns <= groupColumns * 2 ** 16 && isQuantisable(weights);
}

/**
 * In multiply-accumulates at peak: planes come in vectors of four images, of which one alone is as slow as two, and are
 * transposed before and after.
 */
function planesCost({ batch, rows, columns }: MatrixProduct, costs: LinearCosts, { cost }: Encoding): number {
  return Math.max(8, 4 * Math.ceil(batch / 4)) * cost + costs.transpose * batch * (rows + columns);
}

function quantisedCost({ batch, rows, columns, weights }: MatrixProduct, costs: LinearCosts, bits: WeightBits): number {
  const { one, four } = costs.quantised[bits];
  const kept = groupColumns * keptGroups(rows, columns, weights) + costs.groupOverhead * rows;
  return kept * ((batch % 4) / one + (batch - (batch % 4)) / four) + costs.transpose * batch * columns;
}

function costOf({ batch, rows, columns }: MatrixProduct, { nonzeros }: Encoding): StepCost {
  const macs = rows * columns;
  return { macs: batch * macs, effectiveMacs: batch * nonzeros, sparsity: 1 - nonzeros / macs };
}

/** Rows of `columns` floats, `batch` floats from one to the next. */
interface Vectors {
  at: Pointer;
  batch: number;
}

/** The inputs in the order of the weights' columns: as they lie, or gathered. */
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

/** The entries of a tap table; expand_taps (assembly/expand) writes the same. */
function tapOffsets({ channels, kernel, stride, dilation, channelBytes, phaseBytes, rowBytes }: TapTable): Int32Array {
  const phasesW = Math.min(stride[1], (kernel[1] - 1) * dilation[1] + 1);
  const offsets = new Int32Array(channels * kernel[0] * kernel[1]);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < kernel[0] * dilation[0]; y += dilation[0]) {
      const row = (y % stride[0]) * phasesW * phaseBytes + Math.floor(y / stride[0]) * rowBytes;
      for (let x = 0; x < kernel[1] * dilation[1]; x += dilation[1]) {
        offsets[at++] = c * channelBytes + row + (x % stride[1]) * phaseBytes + 4 * Math.floor(x / stride[1]);
      }
    }
  }
  return offsets;
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

function emitVectors(p: MatrixProduct, x: Vectors, encoding: Encoding, lowering: Lowering): void {
  const { rows, columns, weights, bias } = p;
  const cost = costOf(p, encoding);
  if (encoding.group === 'dense') {
    const panels = lowering.constant(packPanels(rows, columns, weights, bias));
    return lowering.emit('f32_linear_dense', { ...common(p, x), weights: panels }, cost);
  }
  const taps = lowering.constant({ form: 'taps', taps: flatTaps(columns, 4) });
  const stream = lowering.constant(packSpmm(rows, columns, encoding.group, weights, bias, taps.buffer));
  lowering.emit(sparseKernels[encoding.group as 1 | 4], { ...common(p, x), weights: stream }, cost);
}

function flatTaps(channels: number, channelBytes: number): TapTable {
  return { channels, kernel: [1, 1], stride: [1, 1], dilation: [1, 1], channelBytes, phaseBytes: 0, rowBytes: 0 };
}

/** Weights of this many bytes, as f32, stay in an L2 cache while all tiles of pixels go over them. */
const blockBytes = 2 ** 18;

/** The batch becomes the pixels of planes and comes back. Products are of blocks of rows: weights come from memory once. */
function emitTransposed(
  p: MatrixProduct,
  x: Vectors,
  lowering: Lowering,
  emitPlanes: (p: MatrixProduct, lowering: Lowering) => void,
): void {
  const { batch, rows, columns } = p;
  const plane = paddedPlane(batch);
  const from = { at: lowering.scratch(4 * columns * plane), strides: [1, plane] };
  const to = { at: lowering.scratch(4 * rows * plane), strides: [1, plane] };
  emitStridedCopy(lowering, [batch, columns], { at: x.at, strides: [x.batch, 1] }, from);
  const planes = {
    ...p,
    taps: flatTaps(columns, 4 * plane),
    x: from.at,
    batch: 1,
    xBatch: 0,
    yBatch: 0,
    height: 1,
    width: batch,
    yPlane: plane,
    rowPixels: 0,
  };
  const block = 4 * Math.max(1, Math.floor(blockBytes / 16 / columns));
  for (let row = 0; row < rows; row += block) {
    const end = Math.min(row + block, rows);
    const y = { buffer: to.at.buffer, offset: to.at.offset + 4 * row * plane };
    const weights = p.weights.subarray(row * columns, end * columns);
    emitPlanes({ ...planes, rows: end - row, weights, bias: p.bias?.subarray(row, end), y }, lowering);
  }
  emitStridedCopy(lowering, [batch, rows], to, { at: p.y, strides: [p.yBatch, 1] });
}

/** Weights rounded to integers, inputs to 16 bits when the layer runs. */
function emitQuantised(p: MatrixProduct, bits: WeightBits, encoding: Encoding, lowering: Lowering): void {
  const { batch, rows, columns, weights, bias } = p;
  const x = vectorsOf(p, lowering);
  const constant = packQuantised(rows, columns, bits, weights, bias);
  const error = relativeWeightError(weights, dequantised(constant));
  lowering.note(`weights rounded to int${bits}, relative error ${(100 * error).toPrecision(2)} %`);
  const input = lowering.scratch(batch * (16 + 32 * Math.ceil(columns / groupColumns)));
  lowering.emit('i16_linear_input', { x: x.at, y: input, batch, xBatch: 4 * x.batch, columns });
  const packed = lowering.constant(constant);
  lowering.emit(
    quantisedKernels[bits],
    { ...common(p, { at: input, batch: 0 }), weights: packed },
    costOf(p, encoding),
  );
}
