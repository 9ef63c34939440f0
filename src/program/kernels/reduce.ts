// Kernels along axes: softmax and reductions.
import { checkApart, kernel } from '../kernel.ts';

/**
 * Reductions, by the codes that f32_reduce uses; a mean is a sum and a scale. The order is the code and is part of the
 * artifact format: append only.
 */
export const reduceFunctions = [
  'sum',
  'max', // NaN when any is NaN; so is min
  'min',
] as const;

/** Vectors of 4 floats are loaded even where fewer matter. */
const overRead = 12;

export const reduceKernels = {
  /**
   * y = exp(beta·x) divided by its sum along the axis, for x and y (outer0, outer1, axis, inner); exact to the element.
   * Strides are bytes; `inner` is contiguous. y may be x if their layouts are the same.
   */
  f32_softmax: kernel({
    family: 'reduce',
    record: 'SoftmaxRecord',
    fields: {
      x: 'read',
      y: 'write',
      outer0: 'u32',
      outer1: 'u32',
      axis: 'u32',
      inner: 'u32',
      xOuter0: 'u32',
      xOuter1: 'u32',
      xAxis: 'u32',
      yOuter0: 'u32',
      yOuter1: 'u32',
      yAxis: 'u32',
      beta: 'f32',
    },
    extents(n) {
      if (!n.outer0 || !n.outer1 || !n.axis || !n.inner) throw new Error('an extent is 0');
      const bytes = (outer0: number, outer1: number, axis: number) =>
        (n.outer0 - 1) * outer0 + (n.outer1 - 1) * outer1 + (n.axis - 1) * axis + 4 * n.inner;
      const y = bytes(n.yOuter0, n.yOuter1, n.yAxis);
      checkApart('y', n.outer0 * n.outer1 * n.axis * n.inner, y);
      return { x: bytes(n.xOuter0, n.xOuter1, n.xAxis) + overRead, y };
    },
    work: (n) => n.outer0 * n.outer1 * n.axis * n.inner,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'outer0', moves: { x: n.xOuter0, y: n.yOuter0 } },
          { field: 'outer1', moves: { x: n.xOuter1, y: n.yOuter1 } },
          { field: 'inner', multiple: 16, moves: { x: 4, y: 4 } },
        ],
  }),

  /**
   * y[k0][k1][i] = scale · f over r0, r1, r2 of x[k0][k1][i][r0][r1][r2], for i < inner; exact to the element. Strides are
   * bytes; x and y are contiguous along `inner`. y and x must not overlap.
   */
  f32_reduce: kernel({
    family: 'reduce',
    record: 'ReduceRecord',
    fields: {
      x: 'read',
      y: 'write',
      fn: 'u32', // index into reduceFunctions
      scale: 'f32',
      kept0: 'u32',
      kept1: 'u32',
      inner: 'u32',
      xKept0: 'u32',
      xKept1: 'u32',
      yKept0: 'u32',
      yKept1: 'u32',
      reduced0: 'u32',
      reduced1: 'u32',
      reduced2: 'u32',
      xReduced0: 'u32',
      xReduced1: 'u32',
      xReduced2: 'u32',
    },
    extents(n) {
      if (n.fn >= reduceFunctions.length) throw new Error(`unknown reduction code ${n.fn}`);
      if (!n.kept0 || !n.kept1 || !n.inner || !n.reduced0 || !n.reduced1 || !n.reduced2) {
        throw new Error('an extent is 0');
      }
      const reduced = (n.reduced0 - 1) * n.xReduced0 + (n.reduced1 - 1) * n.xReduced1 + (n.reduced2 - 1) * n.xReduced2;
      const kept = n.kept0 * n.kept1 * n.inner;
      const x = (n.kept0 - 1) * n.xKept0 + (n.kept1 - 1) * n.xKept1 + 4 * n.inner + reduced + overRead;
      const y = (n.kept0 - 1) * n.yKept0 + (n.kept1 - 1) * n.yKept1 + 4 * n.inner;
      checkApart('x', kept * n.reduced0 * n.reduced1 * n.reduced2, x);
      checkApart('y', kept, y);
      return { x, y };
    },
    work: (n) => n.kept0 * n.kept1 * n.inner * n.reduced0 * n.reduced1 * n.reduced2,
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          { field: 'kept0', moves: { x: n.xKept0, y: n.yKept0 } },
          { field: 'kept1', moves: { x: n.xKept1, y: n.yKept1 } },
          { field: 'inner', multiple: 16, moves: { x: 4, y: 4 } },
        ],
  }),
};
