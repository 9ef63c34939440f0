// Dense weights × planes: y (rows, pixels) = act(W (rows, columns) · x).
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { matrixAxes, matrixExtents, matrixFields, packedTile } from './matrix.ts';

/** Bytes of the weights. @throws Error when they are not of that shape. */
function weightBytes(rows: number, columns: number, table: (field: string) => Table): number {
  const { constant } = constantOf(table, 'weights', 'gemm');
  if (constant.rows !== rows || constant.columns !== columns) {
    throw new Error(`weights must have ${rows} rows and ${columns} columns`);
  }
  return 16 * (columns + 1) * Math.ceil(rows / 4);
}

const planes = (shifted: boolean) =>
  kernel({
    family: 'gemm',
    record: 'MatrixRecord',
    fields: matrixFields,
    extents(n, table) {
      const weights = weightBytes(n.rows, n.columns, table);
      return matrixExtents(n, table, { shifted, tile: packedTile.dense, weights, largest: 0 });
    },
    // a quarter of a group of rows
    axes: import.meta.oneThread ? undefined : (n) => matrixAxes(n, { shifted, group: 4, weights: 4 * (n.columns + 1) }),
  });

export const gemmKernels = {
  f32_gemm_8x4: planes(false),
  f32_conv_gemm_8x4: planes(true),

  /** One pixel: x and y are vectors. */
  f32_gemm_1x4: kernel({
    family: 'gemm',
    record: 'GemmRecord',
    fields: {
      x: 'read',
      taps: 'read', // a `taps` constant, one entry a column
      weights: 'read', // a `gemm` constant
      y: 'write',
      batch: 'u32',
      xBatch: 'u32', // bytes from one image to the next
      yBatch: 'u32',
      rows: 'u32',
      columns: 'u32',
      height: 'u32', // 1, as the next
      width: 'u32',
      rowPixels: 'u32', // not read
      yPlane: 'u32', // not read
      ...activationFields,
    },
    extents(n, table) {
      checkActivation(n.activation);
      const weights = weightBytes(n.rows, n.columns, table);
      if (!n.batch || !n.rows || !n.columns) throw new Error('an empty extent');
      if (n.height * n.width !== 1) throw new Error(`${n.height * n.width} pixels, where one is meant`);
      const { largest } = constantOf(table, 'taps', 'taps');
      const x = (n.batch - 1) * n.xBatch + largest + 4;
      const y = (n.batch - 1) * n.yBatch + 4 * n.rows;
      checkApart('x', n.batch, x);
      checkApart('y', n.batch * n.rows, y);
      return { x, taps: 4 * n.columns, weights, y };
    },
    axes: import.meta.oneThread
      ? undefined
      : (n) => [{ field: 'rows', multiple: 4, moves: { x: 0, taps: 0, weights: 4 * (n.columns + 1), y: 4 } }],
  }),
};
