// Weights × shifted planes: what convolutions and linear layers lower to.
import { activationArguments } from '../program/activations.ts';
import type { Activation } from '../program/activations.ts';
import type { Pointer, TapTable } from '../program/program.ts';
import type { Range } from './int8.ts';
import { emitInt8Product } from './int8.ts';
import type { Lowering, StepCost } from './lowering.ts';
import type { Group } from './pack.ts';
import { chooseEncoding, packGemm, packSpmm } from './pack.ts';

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
  activation?: Activation;
  /** Of x, where it is known and the product may be done in eight bits. */
  range?: Range;
}

const sparseKernels = {
  vector: { 1: 'f32_spmm_1x1', 4: 'f32_spmm_1x4' },
  flat: { 1: 'f32_spmm_28x1', 2: 'f32_spmm_16x2', 4: 'f32_spmm_8x4' },
  shifted: { 1: 'f32_conv_spmm_28x1', 2: 'f32_conv_spmm_16x2', 4: 'f32_conv_spmm_8x4' },
} as const;

const denseKernels = { vector: 'f32_gemm_1x4', flat: 'f32_gemm_8x4', shifted: 'f32_conv_gemm_8x4' } as const;

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
  if (encoding.group === 'dense') {
    const weights = lowering.constant(packGemm(p.rows, p.columns, p.weights, p.bias));
    lowering.emit(denseKernels[kind], { ...common, taps, weights, columns: p.columns }, cost);
  } else {
    const weights = lowering.constant(packSpmm(p.rows, p.columns, encoding.group, p.weights, p.bias, taps.buffer));
    const kernels: { [group: number]: (typeof sparseKernels)['flat' | 'shifted'][Group] } = sparseKernels[
      kind
    ] as never;
    lowering.emit(kernels[encoding.group], { ...common, weights }, cost);
  }
}
