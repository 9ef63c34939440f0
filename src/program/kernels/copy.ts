// Strided copies, fills and gathers of floats, exact to the element.
import { checkApart, constantOf, kernel } from '../kernel.ts';

export const copyKernels = {
  /**
   * y (d0, …, d5) = x (d0, …, d5). `x` is the lowest address that is read; along an axis with a negative x stride the
   * copy starts at the far end.
   */
  f32_copy: kernel({
    family: 'copy',
    record: 'CopyRecord',
    fields: {
      x: 'read',
      y: 'write',
      d0: 'u32',
      d1: 'u32',
      d2: 'u32',
      d3: 'u32',
      d4: 'u32',
      d5: 'u32',
      x0: 'i32', // strides of x in bytes
      x1: 'i32',
      x2: 'i32',
      x3: 'i32',
      x4: 'i32',
      x5: 'i32',
      y0: 'u32', // strides of y in bytes
      y1: 'u32',
      y2: 'u32',
      y3: 'u32',
      y4: 'u32',
      y5: 'u32',
    },
    extents(n) {
      const dims = [n.d0, n.d1, n.d2, n.d3, n.d4, n.d5];
      const xStrides = [n.x0, n.x1, n.x2, n.x3, n.x4, n.x5];
      const yStrides = [n.y0, n.y1, n.y2, n.y3, n.y4, n.y5];
      let x = 4;
      let y = 4;
      let elements = 1;
      for (let i = 0; i < 6; i++) {
        if (!dims[i]) throw new Error('an extent is 0');
        x += (dims[i] - 1) * Math.abs(xStrides[i]);
        y += (dims[i] - 1) * yStrides[i];
        elements *= dims[i];
      }
      checkApart('y', elements, y);
      return { x: x + 12, y }; // tiles of 4×4 load up to 3 floats past the end
    },
    work: (n) => n.d0 * n.d1 * n.d2 * n.d3 * n.d4 * n.d5,
    // the copy of a reversed axis would start at the far end of each part
    axes: import.meta.oneThread
      ? undefined
      : (n) =>
          (
            [
              { field: 'd0', moves: { x: n.x0, y: n.y0 } },
              { field: 'd1', moves: { x: n.x1, y: n.y1 } },
              { field: 'd2', moves: { x: n.x2, y: n.y2 } },
              { field: 'd3', moves: { x: n.x3, y: n.y3 } },
              { field: 'd4', moves: { x: n.x4, y: n.y4 } },
              { field: 'd5', moves: { x: n.x5, y: n.y5 } },
            ] as const
          ).filter(({ moves }) => moves.x >= 0),
  }),

  /** y (n) = value */
  f32_fill: kernel({
    family: 'copy',
    record: 'FillRecord',
    fields: { y: 'write', n: 'u32', value: 'f32' },
    extents(n) {
      if (!n.n) throw new Error('an extent is 0');
      return { y: 4 * n.n };
    },
    work: (n) => n.n,
    axes: import.meta.oneThread ? undefined : () => [{ field: 'n', multiple: 16, moves: { y: 4 } }],
  }),

  /** y (d0, d1, n, run) = x (d0, d1, indices[n], run) */
  f32_gather: kernel({
    family: 'copy',
    record: 'GatherRecord',
    fields: {
      x: 'read',
      indices: 'read', // an `i32` constant
      y: 'write',
      d0: 'u32', // two outer axes, in front of the gathered one or behind it
      d1: 'u32',
      n: 'u32', // indices
      run: 'u32', // floats that are contiguous in x and in y
      x0: 'u32', // strides in bytes
      x1: 'u32',
      xIndex: 'u32',
      y0: 'u32',
      y1: 'u32',
      yIndex: 'u32',
    },
    extents(n, table) {
      if (!n.d0 || !n.d1 || !n.n || !n.run) throw new Error('an extent is 0');
      const { largest } = constantOf(table, 'indices', 'i32');
      const y = (n.d0 - 1) * n.y0 + (n.d1 - 1) * n.y1 + (n.n - 1) * n.yIndex + 4 * n.run;
      checkApart('y', n.d0 * n.d1 * n.n * n.run, y);
      return {
        x: (n.d0 - 1) * n.x0 + (n.d1 - 1) * n.x1 + largest * n.xIndex + 4 * n.run,
        indices: 4 * n.n,
        y,
      };
    },
    work: (n) => n.d0 * n.d1 * n.n * n.run,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'd0', moves: { x: n.x0, indices: 0, y: n.y0 } },
          { field: 'd1', moves: { x: n.x1, indices: 0, y: n.y1 } },
          { field: 'n', moves: { x: 0, indices: 4, y: n.yIndex } },
        ],
  }),
};
