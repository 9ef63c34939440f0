// Sparse weights × planes: y (rows, pixels) = act(W (rows, columns) · x), W sparse in groups of rows.
import { matrixValues } from '../constants.ts';
import { constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { tiles } from '../tiles.ts';
import type { SparseWeights } from '../spmm-stream.ts';
import type { Tile } from '../tiles.ts';
import { matrixAxes, matrixExtents, matrixFields } from './matrix.ts';

/**
 * The largest byte offset in sparse weights. `isSuitable`: whether their rows are in the order that the kernel reads.
 * @throws Error when the weights do not suit the kernel.
 */
export function largestOffset(
  rows: number,
  group: number,
  table: (field: string) => Table,
  isSuitable: (weights: SparseWeights) => boolean,
): number {
  const { constant, largest } = constantOf(table, 'weights', 'spmm');
  if (constant.group !== group || constant.rows !== rows || !isSuitable(constant)) {
    throw new Error(`weights must be in groups of ${group}, with ${rows} rows`);
  }
  return largest;
}

/** `shifted` kernels read rows of `rowPixels` and write rows of `width`. */
function spmm(tile: Tile, shifted: boolean) {
  const group = tile.rows;
  return kernel({
    family: 'spmm',
    record: 'MatrixRecord',
    fields: matrixFields,
    extents(n, table) {
      const largest = largestOffset(n.rows, group, table, ({ block }) => block > 0);
      if (n.packed !== 0) throw new Error(`packed is ${n.packed}`);
      return matrixExtents(n, table, { shifted, weights: 4, largest });
    },
    work(n, table) {
      const { constant } = constantOf(table, 'weights', 'spmm');
      const starts = n.rows * Math.ceil(constant.columns / constant.block);
      return n.batch * n.height * n.width * (starts + matrixValues(constant));
    },
    axes: import.meta.oneThread ? undefined : (n) => matrixAxes(n, { shifted, group, weights: 'groups' }),
  });
}

export const spmmKernels = {
  f32_spmm_28x1: spmm(tiles.spmm['28x1'], false),
  f32_spmm_16x2: spmm(tiles.spmm['16x2'], false),
  f32_spmm_8x4: spmm(tiles.spmm['8x4'], false),
  f32_conv_spmm_28x1: spmm(tiles.spmm['28x1'], true),
  f32_conv_spmm_16x2: spmm(tiles.spmm['16x2'], true),
  f32_conv_spmm_8x4: spmm(tiles.spmm['8x4'], true),
  f32_spmm_52x1: spmm(tiles.spmm['52x1'], false),
  f32_conv_spmm_52x1: spmm(tiles.spmm['52x1'], true),
};
