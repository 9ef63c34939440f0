// Products of two computed matrices: y (…, rows, columns) = a (…, rows, inner) · b (…, inner, columns).
import { checkApart, kernel } from '../kernel.ts';
import { packedTiles, pixelsOf } from '../tiles.ts';

/** Vectors of 4 floats are loaded also where fewer count. */
const overRead = 12;

const tileRows = packedTiles.dense.rows;
const tileColumns = pixelsOf(packedTiles.dense);

/** Bytes of a packed block of `a` that stay in an L2 cache while all tiles of `b` go over them. */
const blockBytes = 2 ** 18;

/** Rows of `a` that are packed at a time: as many as stay cached, and enough for each to pay for packing `b` again. */
export function matmulBlockRows(rows: number, inner: number): number {
  const cached = Math.floor(blockBytes / 4 / (inner + 1));
  return tileRows * Math.ceil(Math.min(rows, Math.max(cached, 8 * tileRows)) / tileRows);
}

/** Bytes of scratch: a tile of `b`, a tile of y that hangs over the edge, and a block of `a`. */
export function matmulScratchBytes(inner: number, blockRows: number): number {
  return 4 * tileColumns * (inner + blockRows) + 4 * blockRows * (inner + 1);
}

export const matmulKernels = {
  /**
   * y[i][j] = a[i][j] · b[i][j] for matrices y (rows, columns), a (rows, inner) and b (inner, columns); exact to the element.
   * Strides are bytes, those of i and j 0 where an operand is broadcast. Either axis of a matrix may be the contiguous one,
   * of y the columns. y and the operands must not overlap.
   */
  f32_matmul: kernel({
    family: 'gemm',
    record: 'MatmulRecord',
    fields: {
      a: 'read',
      b: 'read',
      scratch: 'write', // see matmulScratchBytes
      y: 'write',
      batch0: 'u32',
      batch1: 'u32',
      rows: 'u32',
      columns: 'u32',
      inner: 'u32',
      blockRows: 'u32', // rows of `a` that are packed at a time, a multiple of the tile's
      aBatch0: 'u32',
      aBatch1: 'u32',
      aRow: 'u32', // this or aInner is 4
      aInner: 'u32',
      bBatch0: 'u32',
      bBatch1: 'u32',
      bInner: 'u32', // this or bColumn is 4
      bColumn: 'u32',
      yBatch0: 'u32',
      yBatch1: 'u32',
      yRow: 'u32',
    },
    extents(n) {
      if (!n.batch0 || !n.batch1 || !n.rows || !n.columns || !n.inner) throw new Error('an empty extent');
      if (!n.blockRows || n.blockRows % tileRows) throw new Error(`blocks of ${n.blockRows} rows`);
      if (n.aRow !== 4 && n.aInner !== 4) throw new Error('neither axis of a is contiguous');
      if (n.bInner !== 4 && n.bColumn !== 4) throw new Error('neither axis of b is contiguous');
      const bytes = (batch0: number, batch1: number, rows: number, row: number, columns: number, column: number) =>
        (n.batch0 - 1) * batch0 + (n.batch1 - 1) * batch1 + (rows - 1) * row + (columns - 1) * column + 4;
      const a = bytes(n.aBatch0, n.aBatch1, n.rows, n.aRow, n.inner, n.aInner);
      const b = bytes(n.bBatch0, n.bBatch1, n.inner, n.bInner, n.columns, n.bColumn);
      const y = bytes(n.yBatch0, n.yBatch1, n.rows, n.yRow, n.columns, 4);
      checkApart('a', n.rows * n.inner, a);
      checkApart('b', n.inner * n.columns, b);
      checkApart('y', n.batch0 * n.batch1 * n.rows * n.columns, y);
      return { a: a + overRead, b: b + overRead, scratch: matmulScratchBytes(n.inner, n.blockRows), y };
    },
    // tiles are whole, but for columns beyond the first half of one
    work: (n) => n.batch0 * n.batch1 * n.inner * (4 * Math.ceil(n.rows / 4)) * (4 * Math.ceil(n.columns / 4)),
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'batch0', moves: { a: n.aBatch0, b: n.bBatch0, scratch: 'own', y: n.yBatch0 } },
          { field: 'batch1', moves: { a: n.aBatch1, b: n.bBatch1, scratch: 'own', y: n.yBatch1 } },
          { field: 'rows', multiple: tileRows, moves: { a: n.aRow, b: 0, scratch: 'own', y: n.yRow } },
          { field: 'columns', multiple: tileColumns, moves: { a: 0, b: n.bColumn, scratch: 'own', y: 4 } },
        ],
  }),
};
