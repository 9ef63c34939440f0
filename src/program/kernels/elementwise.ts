// Elementwise kernels: unary functions, and binary functions with broadcasting.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, kernel } from '../kernel.ts';

/**
 * Binary functions, by the codes that f32_binary uses. The order is the code and is part of the artifact format: append
 * only.
 */
export const binaryFunctions = [
  'add',
  'sub',
  'mul',
  'div',
  'min', // NaN when either is NaN, as max
  'max',
  'pow', // as Math.pow
  'prelu', // a < 0 ? b·a : a
  'less', // 1 or 0, as the next two; 0 when either is NaN
  'lessOrEqual',
  'equal',
  'select', // a ≠ 0 ? b : −0, which adds nothing: a choice of two is the sum of two of these
] as const;

export type BinaryFunction = (typeof binaryFunctions)[number];

/** Kernels load vectors of 4 floats, also for the last ones of a row: up to 3 floats beyond it are read. */
const overRead = 12;

export const elementwiseKernels = {
  /**
   * y[row][i] = act(x[row][i]) for i < columns; exact to the element. y may be x if their rows have the same layout;
   * any other overlap is wrong.
   */
  f32_unary: kernel({
    family: 'elementwise',
    record: 'UnaryRecord',
    fields: {
      x: 'read',
      y: 'write',
      rows: 'u32',
      columns: 'u32',
      xRow: 'u32', // bytes from one row to the next
      yRow: 'u32',
      ...activationFields,
    },
    extents(n) {
      checkActivation(n.activation);
      if (!n.rows || !n.columns) throw new Error('an extent is 0');
      const y = (n.rows - 1) * n.yRow + 4 * n.columns;
      checkApart('y', n.rows * n.columns, y);
      return { x: (n.rows - 1) * n.xRow + 4 * n.columns + overRead, y };
    },
    work: (n) => n.rows * n.columns,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'rows', moves: { x: n.xRow, y: n.yRow } },
          { field: 'columns', multiple: 16, moves: { x: 4, y: 4 } },
        ],
  }),

  /**
   * y[i0][i1][i2][i] = act(f(a[…], b[…])), exact to the element. Strides are bytes, 0 where an operand is broadcast.
   * Along the last dimension y is contiguous, and a and b are contiguous (4) or broadcast (0). y may be a or b if their
   * layouts are the same.
   */
  f32_binary: kernel({
    family: 'elementwise',
    record: 'BinaryRecord',
    fields: {
      a: 'read',
      b: 'read',
      y: 'write',
      fn: 'u32', // index into binaryFunctions
      dim0: 'u32',
      dim1: 'u32',
      dim2: 'u32',
      dim3: 'u32',
      a0: 'u32',
      a1: 'u32',
      a2: 'u32',
      a3: 'u32',
      b0: 'u32',
      b1: 'u32',
      b2: 'u32',
      b3: 'u32',
      y0: 'u32',
      y1: 'u32',
      y2: 'u32',
      ...activationFields,
    },
    extents(n) {
      checkActivation(n.activation);
      if (n.fn >= binaryFunctions.length) throw new Error(`unknown binary function code ${n.fn}`);
      if (!n.dim0 || !n.dim1 || !n.dim2 || !n.dim3) throw new Error('an extent is 0');
      if ((n.a3 !== 0 && n.a3 !== 4) || (n.b3 !== 0 && n.b3 !== 4)) {
        throw new Error(`inner strides ${n.a3} and ${n.b3} must be 0 or 4 bytes`);
      }
      const last = (s0: number, s1: number, s2: number, s3: number) =>
        (n.dim0 - 1) * s0 + (n.dim1 - 1) * s1 + (n.dim2 - 1) * s2 + (n.dim3 - 1) * s3;
      const y = last(n.y0, n.y1, n.y2, 4) + 4;
      checkApart('y', n.dim0 * n.dim1 * n.dim2 * n.dim3, y);
      return {
        a: last(n.a0, n.a1, n.a2, n.a3) + 4 + overRead,
        b: last(n.b0, n.b1, n.b2, n.b3) + 4 + overRead,
        y,
      };
    },
    work: (n) => n.dim0 * n.dim1 * n.dim2 * n.dim3,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'dim0', moves: { a: n.a0, b: n.b0, y: n.y0 } },
          { field: 'dim1', moves: { a: n.a1, b: n.b1, y: n.y1 } },
          { field: 'dim2', moves: { a: n.a2, b: n.b2, y: n.y2 } },
          { field: 'dim3', multiple: 16, moves: { a: n.a3, b: n.b3, y: 4 } },
        ],
  }),
};
