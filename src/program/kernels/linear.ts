// Weights × vectors: y (batch, rows) = act(W (rows, columns) · x (batch, columns)), one pixel an image.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { largestOffset } from './spmm.ts';

const fields = {
  x: 'read',
  weights: 'read', // a `gemm`, `spmm` or `quantised` constant
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next; 16-bit inputs lie without holes
  yBatch: 'u32',
  rows: 'u32',
  columns: 'u32',
  ...activationFields,
} as const;

type Numbers = { batch: number; xBatch: number; rows: number; columns: number };

/** `xBytes` gives the bytes of x that the kernel reads, having checked the weights. */
const linear = (xBytes: (n: Numbers, table: (field: string) => Table) => number) =>
  kernel({
    family: 'linear',
    record: 'LinearRecord',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      if (!n.batch || !n.rows || !n.columns) throw new Error('an empty extent');
      const y = (n.batch - 1) * n.yBatch + 4 * n.rows;
      checkApart('y', n.batch * n.rows, y);
      return { x: xBytes(n, table), weights: 4, y };
    },
  });

const dense = linear((n, table) => {
  const { constant } = constantOf(table, 'weights', 'gemm');
  if (constant.rows !== n.rows || constant.columns !== n.columns || constant.panel !== 28) {
    throw new Error(`weights must have ${n.rows} rows and ${n.columns} columns, in panels of 28`);
  }
  return (n.batch - 1) * n.xBatch + 4 * n.columns;
});

const sparse = (group: number) =>
  linear((n, table) => (n.batch - 1) * n.xBatch + largestOffset(n.rows, group, table) + 4);

/** Bytes of an image's inputs in 16 bits. */
const inputBytes = (columns: number) => 16 + 32 * Math.ceil(columns / 16);

const quantised = (bits: number) =>
  linear((n, table) => {
    const { constant } = constantOf(table, 'weights', 'quantised');
    if (constant.rows !== n.rows || constant.columns !== n.columns || constant.bits !== bits) {
      throw new Error(`weights must have ${n.rows} rows and ${n.columns} columns, in ${bits} bits`);
    }
    return n.batch * inputBytes(n.columns);
  });

export const linearKernels = {
  f32_linear_dense: dense,
  /** W sparse; and in groups of four rows that share positions. */
  f32_linear_sparse: sparse(1),
  f32_linear_sparse_4: sparse(4),

  /** x (batch, columns) in 16 bits, as the two kernels below read it (assembly/linear/quantised.ts draws it). */
  i16_linear_input: kernel({
    family: 'linear',
    record: 'LinearInputRecord',
    fields: { x: 'read', y: 'write', batch: 'u32', xBatch: 'u32', columns: 'u32' },
    extents(n) {
      if (!n.batch || !n.columns) throw new Error('an empty extent');
      return { x: (n.batch - 1) * n.xBatch + 4 * n.columns, y: n.batch * inputBytes(n.columns) };
    },
  }),
  i8_linear: quantised(8),
  i4_linear: quantised(4),
};
