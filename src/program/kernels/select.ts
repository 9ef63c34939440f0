// Selection: positions of the largest elements, and elements by positions that are computed.
import { checkApart, kernel } from '../kernel.ts';

/** Bytes of scratch for the k largest elements of a row. */
export const topKScratchBytes = (k: number): number => 8 * k;

/** Sizes and positions that float32 holds exactly. */
export const maxPositions = 2 ** 24;

export const selectKernels = {
  /**
   * y[outer0][outer1][i] = position of the i-th largest (or smallest) of x[outer0][outer1][…], for i < k; of equal elements the
   * first comes first, and NaN is larger than all numbers. Strides are bytes; exact to the element. y and x must not overlap.
   */
  f32_top_k: kernel({
    family: 'select',
    record: 'TopKRecord',
    fields: {
      x: 'read',
      scratch: 'write', // see topKScratchBytes
      y: 'write',
      outer0: 'u32',
      outer1: 'u32',
      axis: 'u32',
      k: 'u32',
      smallest: 'u32', // 0 or 1
      xOuter0: 'u32',
      xOuter1: 'u32',
      xAxis: 'u32',
      yOuter0: 'u32',
      yOuter1: 'u32',
      yAxis: 'u32',
    },
    extents(n) {
      if (!n.outer0 || !n.outer1 || !n.axis || !n.k) throw new Error('an empty extent');
      if (n.k > n.axis) throw new Error(`${n.k} of ${n.axis} elements`);
      if (n.axis > maxPositions) throw new Error(`positions of ${n.axis} elements are not exact`);
      if (n.smallest > 1) throw new Error(`smallest is ${n.smallest}`);
      const bytes = (outer0: number, outer1: number, count: number, axis: number) =>
        (n.outer0 - 1) * outer0 + (n.outer1 - 1) * outer1 + (count - 1) * axis + 4;
      const x = bytes(n.xOuter0, n.xOuter1, n.axis, n.xAxis);
      const y = bytes(n.yOuter0, n.yOuter1, n.k, n.yAxis);
      checkApart('x', n.outer0 * n.outer1 * n.axis, x);
      checkApart('y', n.outer0 * n.outer1 * n.k, y);
      return { x, scratch: topKScratchBytes(n.k), y };
    },
    // each element may go through the heap
    work: (n) => n.outer0 * n.outer1 * n.axis * (1 + Math.ceil(Math.log2(n.k))),
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'outer0', moves: { x: n.xOuter0, scratch: 'own', y: n.yOuter0 } },
          { field: 'outer1', moves: { x: n.xOuter1, scratch: 'own', y: n.yOuter1 } },
        ],
  }),

  /**
   * y[d0][d1][d2][…run] = x[d0][d1][d2] at position indices[d0][d1][d2] of one axis more; a position below 0 counts from the
   * end, and one outside is the nearest inside. Strides are bytes. y and the others must not overlap.
   */
  f32_take: kernel({
    family: 'select',
    record: 'TakeRecord',
    fields: {
      x: 'read',
      indices: 'read', // floats
      y: 'write',
      d0: 'u32',
      d1: 'u32',
      d2: 'u32',
      run: 'u32', // floats that lie side by side in x and in y
      size: 'u32', // of the axis
      xIndex: 'u32', // from one position to the next
      x0: 'u32',
      x1: 'u32',
      x2: 'u32',
      i0: 'u32',
      i1: 'u32',
      i2: 'u32',
      y0: 'u32',
      y1: 'u32',
      y2: 'u32',
    },
    extents(n) {
      if (!n.d0 || !n.d1 || !n.d2 || !n.run || !n.size) throw new Error('an empty extent');
      if (n.size > maxPositions) throw new Error(`positions of ${n.size} elements are not exact`);
      const bytes = (s0: number, s1: number, s2: number) => (n.d0 - 1) * s0 + (n.d1 - 1) * s1 + (n.d2 - 1) * s2;
      const y = bytes(n.y0, n.y1, n.y2) + 4 * n.run;
      checkApart('y', n.d0 * n.d1 * n.d2 * n.run, y);
      return {
        x: bytes(n.x0, n.x1, n.x2) + (n.size - 1) * n.xIndex + 4 * n.run,
        indices: bytes(n.i0, n.i1, n.i2) + 4,
        y,
      };
    },
    work: (n) => n.d0 * n.d1 * n.d2 * n.run,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'd0', moves: { x: n.x0, indices: n.i0, y: n.y0 } },
          { field: 'd1', moves: { x: n.x1, indices: n.i1, y: n.y1 } },
          { field: 'd2', moves: { x: n.x2, indices: n.i2, y: n.y2 } },
        ],
  }),
};
