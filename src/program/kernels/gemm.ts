// Dense weights × planes: y (rows, pixels) = act(W (rows, columns) · x).
import { constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { packedTiles } from '../tiles.ts';
import type { Panel } from '../tiles.ts';
import { matrixAxes, matrixExtents, matrixFields } from './matrix.ts';

/** Bytes of weights in panels of this many rows. @throws Error when they have another shape. */
export function weightBytes(rows: number, columns: number, panel: Panel, table: (field: string) => Table): number {
  const { constant } = constantOf(table, 'weights', 'gemm');
  if (constant.rows !== rows || constant.columns !== columns || constant.panel !== panel) {
    throw new Error(`weights must have ${rows} rows and ${columns} columns, in panels of ${panel}`);
  }
  return 4 * panel * (columns + 1) * Math.ceil(rows / panel);
}

const planes = (tile: typeof packedTiles.dense, shifted: boolean) =>
  kernel({
    family: 'gemm',
    record: 'MatrixRecord',
    fields: matrixFields,
    extents(n, table) {
      const weights = weightBytes(n.rows, n.columns, tile.rows, table);
      return matrixExtents(n, table, { shifted, packed: tile, weights, largest: 0 });
    },
    work: (n) => n.batch * n.rows * n.columns * n.height * n.width,
    axes: import.meta.oneThread
      ? undefined
      : (n) => matrixAxes(n, { shifted, group: tile.rows, weights: 4 * (n.columns + 1) }),
  });

export const gemmKernels = {
  f32_gemm_8x4: planes(packedTiles.dense, false),
  f32_conv_gemm_8x4: planes(packedTiles.dense, true),
};
