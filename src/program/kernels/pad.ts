// Padded copies of planes, split into phases so that a strided kernel reads unit strides.
import { checkApart, kernel } from '../kernel.ts';

export const padKernels = {
  /**
   * y[plane][phase (a, b)][row][column] = x[plane][row·strideH + a − top][column·strideW + b − left], or `value` outside.
   * Phases lie one after the other, b fastest, `yPhase` bytes apart; rows are contiguous, `columns` floats each.
   */
  f32_pad: kernel({
    family: 'pad',
    record: 'PadRecord',
    fields: {
      x: 'read',
      y: 'write',
      planes: 'u32',
      xPlane: 'u32', // bytes from one input plane to the next; rows are xWidth floats
      xHeight: 'u32',
      xWidth: 'u32',
      yPlane: 'u32', // bytes from one plane's phases to the next plane's
      yPhase: 'u32', // bytes from one phase to the next
      rows: 'u32', // of a phase
      columns: 'u32', // of a phase; kernels for floats read rows of a multiple of 4
      strideH: 'u32',
      strideW: 'u32',
      phasesH: 'u32', // ≤ strideH
      phasesW: 'u32', // ≤ strideW
      top: 'i32',
      left: 'i32',
      value: 'f32',
    },
    extents(n) {
      if (!n.planes || !n.xHeight || !n.xWidth || !n.rows || !n.columns || !n.phasesH || !n.phasesW) {
        throw new Error('an extent is 0');
      }
      if (n.phasesH > n.strideH || n.phasesW > n.strideW) throw new Error('more phases than the stride has');
      const phases = n.phasesH * n.phasesW;
      const x = (n.planes - 1) * n.xPlane + 4 * n.xHeight * n.xWidth + 16;
      const y = (n.planes - 1) * n.yPlane + (phases - 1) * n.yPhase + 16 * Math.ceil((n.rows * n.columns) / 4);
      checkApart('x', n.planes * n.xHeight * n.xWidth, x);
      checkApart('y', n.planes * phases * n.rows * n.columns, y);
      return { x, y };
    },
    work: (n) => n.planes * n.phasesH * n.phasesW * n.rows * n.columns,
    axes: import.meta.oneThread ? undefined : (n) => [{ field: 'planes', moves: { x: n.xPlane, y: n.yPlane } }],
  }),
};
