// The kernels of weights × planes: what the cost model and tuning choose from.
import type { KernelName } from '../program/kernels.ts';
import type { Group } from './pack.ts';

/** `vector`: one pixel an image. `flat`: planes pixel by pixel. `shifted`: rows of a padded copy (k×k). `int8`: flat, in eight bits. */
export type MatrixKind = 'vector' | 'flat' | 'shifted' | 'int8';

export interface MatrixKernel {
  kind: MatrixKind;
  /** Rows that share positions; `dense` kernels multiply by every weight, in panels of 4 or 28 rows. */
  group: Group | 'dense';
  /** Vectors of 4 pixels that a full tile holds: weights are walked once for each. */
  tile: number;
}

export const matrixKernels = {
  f32_linear_dense: { kind: 'vector', group: 'dense', tile: 1 },
  f32_linear_sparse: { kind: 'vector', group: 1, tile: 1 },
  f32_linear_sparse_4: { kind: 'vector', group: 4, tile: 1 },
  f32_gemm_8x4: { kind: 'flat', group: 'dense', tile: 2 },
  f32_spmm_28x1: { kind: 'flat', group: 1, tile: 7 },
  f32_spmm_16x2: { kind: 'flat', group: 2, tile: 4 },
  f32_spmm_8x4: { kind: 'flat', group: 4, tile: 2 },
  f32_conv_gemm_8x4: { kind: 'shifted', group: 'dense', tile: 2 },
  f32_conv_spmm_28x1: { kind: 'shifted', group: 1, tile: 7 },
  f32_conv_spmm_16x2: { kind: 'shifted', group: 2, tile: 4 },
  f32_conv_spmm_8x4: { kind: 'shifted', group: 4, tile: 2 },
  i8_spmm_16x1: { kind: 'int8', group: 1, tile: 4 },
  i8_spmm_8x2: { kind: 'int8', group: 2, tile: 2 },
  i8_spmm_8x4: { kind: 'int8', group: 4, tile: 2 },
} as const satisfies { [K in KernelName]?: MatrixKernel };

export type MatrixKernelName = keyof typeof matrixKernels;

export function isMatrixKernel(name: string): name is MatrixKernelName {
  return Object.hasOwn(matrixKernels, name);
}

/** The kernels that can do the same product, dense first. */
export function kernelsOf(kind: MatrixKind): MatrixKernelName[] {
  return (Object.keys(matrixKernels) as MatrixKernelName[]).filter((name) => matrixKernels[name].kind === kind);
}
