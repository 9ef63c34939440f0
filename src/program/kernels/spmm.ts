// Sparse weights × planes: y (rows, pixels) = act(W (rows, columns) · x), W sparse in groups of rows.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { matrixAxes, matrixExtents, matrixFields, packedTile } from './matrix.ts';

const fields = {
  x: 'read',
  weights: 'read', // an `spmm` constant
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  rows: 'u32', // output channels
  height: 'u32', // of an output plane
  width: 'u32',
  rowPixels: 'u32', // of an input row, a multiple of 4; pointwise kernels see one row of height × width pixels
  yPlane: 'u32', // bytes from one output plane to the next
  ...activationFields,
} as const;

/** The farthest byte offset that the weights hold. @throws Error when the kernel does not take them. */
function largestOffset(rows: number, group: number, table: (field: string) => Table): number {
  const { constant, largest } = constantOf(table, 'weights', 'spmm');
  if (constant.group !== group || constant.rows !== rows) {
    throw new Error(`weights must be in groups of ${group}, with ${rows} rows`);
  }
  return largest;
}

/** `group` rows share positions; `shifted` kernels read rows of `rowPixels` and write rows of `width`. */
const spmm = (group: number, shifted: boolean) =>
  kernel({
    family: 'spmm',
    record: 'MatrixRecord',
    fields: matrixFields,
    extents(n, table) {
      const largest = largestOffset(n.rows, group, table);
      // only single rows have a tile to pack
      if (n.packed > (group === 1 ? 1 : 0)) throw new Error(`packed is ${n.packed}`);
      const tile = n.packed ? packedTile.sparse : 0;
      return matrixExtents(n, table, { shifted, tile, weights: 4, largest });
    },
    axes: import.meta.oneThread ? undefined : (n) => matrixAxes(n, { shifted, group, weights: 'groups' }),
  });

/** One pixel: x and y are vectors. */
const vector = (group: number) =>
  kernel({
    family: 'spmm',
    record: 'SpmmRecord',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      const largest = largestOffset(n.rows, group, table);
      if (!n.batch || !n.rows) throw new Error('an empty extent');
      const y = (n.batch - 1) * n.yBatch + 4 * n.rows;
      checkApart('y', n.batch * n.rows, y);
      return { x: (n.batch - 1) * n.xBatch + largest + 4, weights: 4, y };
    },
    axes: import.meta.oneThread
      ? undefined
      : () => [{ field: 'rows', multiple: group, moves: { x: 0, weights: 'groups', y: 4 } }],
  });

export const spmmKernels = {
  f32_spmm_28x1: spmm(1, false),
  f32_spmm_16x2: spmm(2, false),
  f32_spmm_8x4: spmm(4, false),
  f32_spmm_1x1: vector(1),
  f32_spmm_1x4: vector(4),
  f32_conv_spmm_28x1: spmm(1, true),
  f32_conv_spmm_16x2: spmm(2, true),
  f32_conv_spmm_8x4: spmm(4, true),
};
