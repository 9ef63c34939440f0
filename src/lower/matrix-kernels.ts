// The kernels of weights × planes that the cost model and tuning choose from. Their tiles are in src/program/tiles.ts.
import type { KernelName } from '../program/kernels.ts';
import { tiles } from '../program/tiles.ts';
import type { Group, Panel, Tile } from '../program/tiles.ts';

/** `vector`: one pixel per image. `flat`: planes pixel by pixel. `shifted`: rows of a padded copy (k×k). */
export type MatrixKind = 'vector' | 'flat' | 'shifted';

export interface MatrixKernel {
  kind: MatrixKind;
  /** Rows that share positions; `dense` kernels multiply by every weight, in panels of `tile.rows` rows. */
  group: Group | 'dense';
  tile: Tile & { readonly rows: Panel | Group };
}

const dense = <K extends MatrixKind, T extends Tile & { readonly rows: Panel }>(kind: K, tile: T) =>
  ({ kind, group: 'dense', tile }) as const;

const sparse = <K extends MatrixKind, T extends Tile & { readonly rows: Group }>(kind: K, tile: T) =>
  ({ kind, group: tile.rows as T['rows'], tile }) as const;

export const matrixKernels = {
  f32_linear_dense: dense('vector', tiles.linear.dense),
  f32_linear_sparse: sparse('vector', tiles.linear.sparse),
  f32_linear_sparse_4: sparse('vector', tiles.linear.sparse_4),
  f32_gemm_8x4: dense('flat', tiles.gemm['8x4']),
  f32_spmm_28x1: sparse('flat', tiles.spmm['28x1']),
  f32_spmm_16x2: sparse('flat', tiles.spmm['16x2']),
  f32_spmm_8x4: sparse('flat', tiles.spmm['8x4']),
  f32_conv_gemm_8x4: dense('shifted', tiles.gemm['8x4']),
  f32_conv_spmm_28x1: sparse('shifted', tiles.spmm['28x1']),
  f32_conv_spmm_16x2: sparse('shifted', tiles.spmm['16x2']),
  f32_conv_spmm_8x4: sparse('shifted', tiles.spmm['8x4']),
} as const satisfies { [K in KernelName]?: MatrixKernel };

export type MatrixKernelName = keyof typeof matrixKernels;

/** The kernels of one kind. */
export type KernelOfKind<K extends MatrixKind> = {
  [N in MatrixKernelName]: (typeof matrixKernels)[N]['kind'] extends K ? N : never;
}[MatrixKernelName];

export function isMatrixKernel(name: string): name is MatrixKernelName {
  return Object.hasOwn(matrixKernels, name);
}

/** The kernels that compute the same product, dense first. */
export function kernelsOf<K extends MatrixKind>(kind: K): KernelOfKind<K>[] {
  return (Object.keys(matrixKernels) as MatrixKernelName[]).filter(
    (name): name is KernelOfKind<K> => matrixKernels[name].kind === kind,
  );
}
