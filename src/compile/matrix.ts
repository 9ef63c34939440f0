// Weights × shifted planes: what convolutions and linear layers lower to.
import { activationArguments } from '../program/activations.ts';
import type { Activation } from '../program/activations.ts';
import { matrixScratchBytes, packedTile } from '../program/kernels/matrix.ts';
import type { Pointer, TapTable } from '../program/program.ts';
import type { Range } from './int8.ts';
import { emitInt8Product } from './int8.ts';
import type { Lowering, StepCost } from './lowering.ts';
import type { KernelArguments } from '../program/kernels.ts';
import type { Encoding, Group } from './pack.ts';
import { chooseEncoding, packGemm, packSpmm } from './pack.ts';
import { addAfter } from './residual.ts';

/** W (rows, columns) and what it multiplies. Strides are in floats. */
export interface MatrixProduct {
  rows: number;
  columns: number;
  weights: Float32Array;
  bias?: Float32Array;
  /** Where each column finds its plane, in bytes from x. */
  taps: TapTable;
  x: Pointer;
  y: Pointer;
  batch: number;
  xBatch: number;
  yBatch: number;
  /** Of an output plane, and the floats from one to the next. */
  height: number;
  width: number;
  yPlane: number;
  /** Floats of an input row when x is a padded copy; 0 when x's planes are read pixel by pixel. */
  rowPixels: number;
  /** Laid out as y: y = act(W · x + bias + residual). May be y where `rowPixels` is 0. */
  residual?: Pointer;
  activation?: Activation;
  /** Of x, where it is known and the product may be done in eight bits. */
  range?: Range;
}

const sparseKernels = {
  vector: { 1: 'f32_spmm_1x1', 4: 'f32_spmm_1x4' },
  flat: { 1: 'f32_spmm_28x1', 2: 'f32_spmm_16x2', 4: 'f32_spmm_8x4' },
  shifted: { 1: 'f32_conv_spmm_28x1', 2: 'f32_conv_spmm_16x2', 4: 'f32_conv_spmm_8x4' },
} as const;

const denseKernels = { flat: 'f32_gemm_8x4', shifted: 'f32_conv_gemm_8x4' } as const;

/** Emits y = act(W · x) with the encoding that the weights' own zeros make cheapest. */
export function emitMatrixProduct(p: MatrixProduct, lowering: Lowering): void {
  const pixels = p.height * p.width;
  const kind = pixels === 1 ? 'vector' : p.rowPixels === 0 ? 'flat' : 'shifted';
  const costs = lowering.costModel[kind === 'vector' ? 'vector' : 'planes'];
  const groups: Group[] = kind === 'vector' ? [1, 4] : [1, 2, 4];
  const encoding = chooseEncoding(p.rows, p.columns, p.weights, costs, groups);
  if (p.range && kind === 'flat' && emitInt8Product(p, p.range, encoding.cost, lowering)) return;
  const cost: StepCost = {
    macs: p.batch * pixels * p.rows * p.columns,
    effectiveMacs: p.batch * pixels * encoding.nonzeros,
    sparsity: 1 - encoding.nonzeros / (p.rows * p.columns),
  };
  const taps = lowering.constant({ form: 'taps', taps: p.taps });
  const common = {
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
    ...activationArguments(p.activation),
  };
  if (kind === 'vector') {
    if (p.residual) return addAfter(p, lowering, (product) => emitMatrixProduct(product, lowering));
    if (encoding.group === 'dense') {
      const weights = lowering.constant(packGemm(p.rows, p.columns, p.weights, p.bias));
      lowering.emit('f32_gemm_1x4', { ...common, taps, weights, columns: p.columns }, cost);
    } else {
      const group = encoding.group === 4 ? 4 : 1;
      const weights = lowering.constant(packSpmm(p.rows, p.columns, group, p.weights, p.bias, taps.buffer));
      lowering.emit(sparseKernels.vector[group], { ...common, weights }, cost);
    }
    return;
  }
  // every kernel over planes has the same fields, scratch for a dense tile included: one can take another's place
  const given = {
    ...common,
    taps,
    residual: p.residual ?? p.y,
    columns: p.columns,
    add: p.residual ? 1 : 0,
  };
  if (isPacked(p, encoding)) return emitPacked(p, kind, given, cost, lowering);
  const scratch = lowering.scratch(matrixScratchBytes(p.columns, packedTile.dense));
  if (encoding.group === 'dense') {
    const weights = lowering.constant(packGemm(p.rows, p.columns, p.weights, p.bias));
    lowering.emit(denseKernels[kind], { ...given, weights, scratch, packed: 1 }, cost);
  } else {
    const weights = lowering.constant(packSpmm(p.rows, p.columns, encoding.group, p.weights, p.bias, taps.buffer));
    lowering.emit(sparseKernels[kind][encoding.group], { ...given, weights, scratch, packed: 0 }, cost);
  }
}

/** Columns whose packed tiles stay in an L1 cache of 48 KiB beside the weights and what is written. */
const packedColumns = 320;

const packedRuns = (columns: number) => Math.ceil(columns / packedColumns);

/**
 * Whether a tile is packed first. It costs each column about as much as two positions do, so many rows must read it; rows
 * must be long enough for being begun anew in every run. Tiles of few columns stay cached as they are.
 */
function isPacked({ rows, columns }: MatrixProduct, { group, kept }: Encoding): boolean {
  return group === 1 && columns >= 96 && kept >= 12 * columns && kept >= 12 * packedRuns(columns) ** 2 * rows;
}

/**
 * Unstructured rows over packed tiles. Many columns go in runs of a step each, which adds to what the steps before have
 * written; not where vectors straddle rows of pixels and what they spill would be added.
 */
function emitPacked(
  p: MatrixProduct,
  kind: 'flat' | 'shifted',
  given: Omit<KernelArguments<'f32_spmm_28x1'>, 'weights' | 'scratch' | 'packed'>,
  cost: StepCost,
  lowering: Lowering,
): void {
  const { channels, kernel } = p.taps;
  const area = kernel[0] * kernel[1];
  const runs = kind === 'flat' || p.width % 4 === 0 ? packedRuns(p.columns) : 1;
  const most = Math.ceil(channels / runs);
  const scratch = lowering.scratch(matrixScratchBytes(area * most, packedTile.sparse));
  for (let first = 0; first < channels; first += most) {
    const count = Math.min(most, channels - first);
    const columns = area * count;
    const isLast = first + count === channels;
    const taps = { ...p.taps, channels: count };
    const offsets = lowering.constant({ form: 'taps', taps: packedTaps(columns) });
    const weights = columnsOf(p.weights, p.rows, p.columns, area * first, columns);
    const step = {
      ...given,
      ...(isLast ? {} : activationArguments(undefined)),
      ...(first === 0 ? {} : { residual: p.y, add: 1 }),
      x: { buffer: p.x.buffer, offset: p.x.offset + first * p.taps.channelBytes },
      taps: lowering.constant({ form: 'taps', taps }),
      weights: lowering.constant(
        packSpmm(p.rows, columns, 1, weights, first === 0 ? p.bias : undefined, offsets.buffer),
      ),
      scratch,
      columns,
      packed: 1,
    };
    lowering.emit(sparseKernels[kind][1], step, first === 0 ? cost : undefined);
  }
}

/** Where a packed tile has its columns. */
export function packedTaps(columns: number): TapTable {
  return {
    channels: columns,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    channelBytes: matrixScratchBytes(1, packedTile.sparse),
    phaseBytes: 0,
    rowBytes: 0,
  };
}

/** So many columns of (rows, columns) weights. */
function columnsOf(weights: Float32Array, rows: number, columns: number, first: number, count: number): Float32Array {
  if (count === columns) return weights;
  const part = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const from = row * columns + first;
    part.set(weights.subarray(from, from + count), row * count);
  }
  return part;
}
