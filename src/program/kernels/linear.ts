// Weights × vectors: y (batch, rows) = act(W (rows, columns) · x (batch, columns)), one pixel per image.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { tiles } from '../tiles.ts';
import type { Tile } from '../tiles.ts';
import { weightBytes } from './gemm.ts';
import { largestOffset } from './spmm.ts';

const fields = {
  x: 'read',
  weights: 'read', // a `gemm`, `spmm` or `quantised` constant
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next; 16-bit inputs are contiguous
  yBatch: 'u32',
  rows: 'u32',
  columns: 'u32',
  ...activationFields,
} as const;

type Numbers = { batch: number; xBatch: number; rows: number; columns: number };

interface Linear {
  /** Parts start at multiples of this number of rows; and bytes of weights per row. */
  multiple: number;
  rowBytes(n: Numbers): number | 'groups';
  /** Bytes of x and of the weights that the kernel reads. @throws Error for weights in another form. */
  reads(n: Numbers, table: (field: string) => Table): { x: number; weights: number };
  /** Bytes from one image of x to the next. */
  imageBytes?(n: Numbers): number;
}

const linear = ({ multiple, rowBytes, reads, imageBytes = (n) => n.xBatch }: Linear) =>
  kernel({
    family: 'linear',
    record: 'LinearRecord',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      if (!n.batch || !n.rows || !n.columns) throw new Error('an extent is 0');
      const y = (n.batch - 1) * n.yBatch + 4 * n.rows;
      checkApart('y', n.batch * n.rows, y);
      return { ...reads(n, table), y };
    },
    work: (n) => n.batch * n.rows * n.columns,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'rows', multiple, moves: { x: 0, weights: rowBytes(n), y: 4 } },
          // integer kernels take four images at a time
          { field: 'batch', multiple: 4, moves: { x: imageBytes(n), weights: 0, y: n.yBatch } },
        ],
  });

const floatBytes = (n: Numbers) => (n.batch - 1) * n.xBatch + 4 * n.columns;

const sparse = ({ rows: group }: Tile) =>
  linear({
    multiple: group,
    rowBytes: () => 'groups',
    reads: (n, table) => ({
      x: (n.batch - 1) * n.xBatch + largestOffset(n.rows, group, table, ({ block }) => block === 0) + 4,
      weights: 4,
    }),
  });

/** Bytes of an image's 16-bit inputs. */
const inputBytes = (columns: number) => 16 + 32 * Math.ceil(columns / 16);

const quantised = (bits: 4 | 8) =>
  linear({
    multiple: 1,
    rowBytes: () => 'groups',
    reads(n, table) {
      const { constant } = constantOf(table, 'weights', 'quantised');
      if (constant.rows !== n.rows || constant.columns !== n.columns || constant.bits !== bits) {
        throw new Error(`weights must have ${n.rows} rows and ${n.columns} columns, in ${bits} bits`);
      }
      return { x: n.batch * inputBytes(n.columns), weights: 4 };
    },
    imageBytes: (n) => inputBytes(n.columns),
  });

export const linearKernels = {
  f32_linear_dense: linear({
    multiple: tiles.linear.dense.rows,
    rowBytes: (n) => 4 * (n.columns + 1),
    reads: (n, table) => ({
      x: floatBytes(n),
      weights: weightBytes(n.rows, n.columns, tiles.linear.dense.rows, table),
    }),
  }),
  /** Sparse W; and W in groups of four rows that share positions. */
  f32_linear_sparse: sparse(tiles.linear.sparse),
  f32_linear_sparse_4: sparse(tiles.linear.sparse_4),

  /** x (batch, columns) in 16 bits, as the two kernels below read it (assembly/linear/quantised.ts draws it). */
  i16_linear_input: kernel({
    family: 'linear',
    record: 'LinearInputRecord',
    fields: { x: 'read', y: 'write', batch: 'u32', xBatch: 'u32', columns: 'u32' },
    extents(n) {
      if (!n.batch || !n.columns) throw new Error('an extent is 0');
      return { x: floatBytes({ ...n, rows: 0 }), y: n.batch * inputBytes(n.columns) };
    },
    work: (n) => n.batch * n.columns,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [{ field: 'batch', moves: { x: n.xBatch, y: inputBytes(n.columns) } }],
  }),
  i8_linear: quantised(8),
  i4_linear: quantised(4),
};
