// Dense weights × planes: y (rows, pixels) = act(W (rows, columns) · x).
import { constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { packedTiles, tiles } from '../tiles.ts';
import type { Panel } from '../tiles.ts';
import { matrixAxes, matrixExtents, matrixFields } from './matrix.ts';

/** Bytes of weights in panels of this many rows. @throws Error when they have another shape. */
export function weightBytes(rows: number, columns: number, panel: Panel | 6, table: (field: string) => Table): number {
  const { constant } = constantOf(table, 'weights', 'gemm');
  const own = constant.wide ? 6 : constant.panel;
  if (constant.rows !== rows || constant.columns !== columns || own !== panel || constant.winograd) {
    throw new Error(`weights must have ${rows} rows and ${columns} columns, in panels of ${panel}`);
  }
  return 4 * panel * (columns + 1) * Math.ceil(rows / panel);
}

/** Packed tiles of so many bytes stay in an L2 cache beside the weights that pass them. */
const packedBytes = 300_000;

/** Planes of at most so many pixels are packed as a whole, where they fit. */
const smallPlane = 256;

/**
 * Vectors of 4 pixels that the wide kernel packs at a time: an even number, 6 for large planes. Small planes are shared out
 * evenly.
 */
export function packedVectors(pixels: number, columns: number): number {
  if (pixels > smallPlane) return tiles.gemm['24x2'].vectors;
  const vectors = Math.ceil(pixels / 4);
  const times = Math.ceil((16 * vectors * columns) / packedBytes);
  return 2 * Math.ceil(Math.ceil(vectors / times) / 2);
}

const narrow = (shifted: boolean) =>
  kernel({
    family: 'gemm',
    record: 'MatrixRecord',
    fields: matrixFields,
    extents(n, table) {
      const { dense } = packedTiles;
      const weights = weightBytes(n.rows, n.columns, dense.rows, table);
      return matrixExtents(n, table, { shifted, packed: dense, weights, largest: 0 });
    },
    work: (n) => n.batch * n.rows * n.columns * n.height * n.width,
    axes: import.meta.oneThread
      ? undefined
      : (n) => matrixAxes(n, { shifted, group: packedTiles.dense.rows, weights: 4 * (n.columns + 1) }),
  });

/** Twelve sums. Flat planes are packed, shifted planes are read as they lie. */
const wide = (shifted: boolean) =>
  kernel({
    family: 'gemm',
    record: 'MatrixRecord',
    fields: matrixFields,
    extents(n, table) {
      const weights = weightBytes(n.rows, n.columns, 6, table);
      if (!shifted && !(n.packed >= 2 && n.packed % 2 === 0)) throw new Error(`packed is ${n.packed}`);
      const { largest } = constantOf(table, 'taps', 'taps');
      const packed = shifted ? undefined : { rows: 6, vectors: n.packed };
      return matrixExtents(n, table, { shifted, packed, weights, largest: shifted ? largest : 0 });
    },
    work: (n) => n.batch * n.rows * n.columns * n.height * n.width,
    axes: import.meta.oneThread ? undefined : (n) => matrixAxes(n, { shifted, group: 6, weights: 4 * (n.columns + 1) }),
  });

export const gemmKernels = {
  f32_gemm_8x4: narrow(false),
  f32_conv_gemm_8x4: narrow(true),
  f32_gemm_24x2: wide(false),
  f32_conv_gemm_24x2: wide(true),
};
