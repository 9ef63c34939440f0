// Sparse weights × planes: y (rows, pixels) = act(W (rows, columns) · x), W sparse in groups of rows.
import { activationFields, checkActivation } from '../activations.ts';
import { kernel } from '../kernel.ts';

const fields = {
  x: 'read',
  weights: 'read', // an `spmm` constant
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  rows: 'u32', // output channels
  height: 'u32', // of an output plane
  width: 'u32',
  rowPixels: 'u32', // of an input row, a multiple of 4; pointwise kernels see one row of height × width pixels
  yPlane: 'u32', // bytes from one output plane to the next
  ...activationFields,
} as const;

const up4 = (pixels: number) => Math.ceil(pixels / 4) * 4;

/** `group` rows share positions; `shifted` kernels read rows of `rowPixels` and write rows of `width`. */
const spmm = (group: number, shifted: boolean) =>
  kernel({
    family: 'spmm',
    record: 'SpmmRecord',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      const { constant, largest } = table('weights');
      if (constant.form !== 'spmm' || constant.group !== group || constant.rows !== n.rows) {
        throw new Error(`weights must be sparse, in groups of ${group}, with ${n.rows} rows`);
      }
      if (!n.batch || !n.rows || !n.height || !n.width) throw new Error('an empty extent');
      if (shifted && (n.rowPixels % 4 || n.rowPixels < n.width)) throw new Error(`row of ${n.rowPixels} pixels`);
      const read = shifted ? up4((n.height - 1) * n.rowPixels + n.width) : up4(n.height * n.width);
      const written = shifted ? n.height * n.width + 4 : up4(n.height * n.width);
      return {
        x: (n.batch - 1) * n.xBatch + largest + 4 * read,
        weights: 4,
        y: (n.batch - 1) * n.yBatch + (n.rows - 1) * n.yPlane + 4 * written,
      };
    },
  });

/** One pixel: x and y are vectors. */
const vector = (group: number) =>
  kernel({
    family: 'spmm',
    record: 'SpmmRecord',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      const { constant, largest } = table('weights');
      if (constant.form !== 'spmm' || constant.group !== group || constant.rows !== n.rows) {
        throw new Error(`weights must be sparse, in groups of ${group}, with ${n.rows} rows`);
      }
      if (!n.batch || !n.rows) throw new Error('an empty extent');
      return { x: (n.batch - 1) * n.xBatch + largest + 4, weights: 4, y: (n.batch - 1) * n.yBatch + 4 * n.rows };
    },
  });

export const spmmKernels = {
  f32_spmm_28x1: spmm(1, false),
  f32_spmm_16x2: spmm(2, false),
  f32_spmm_8x4: spmm(4, false),
  f32_spmm_1x1: vector(1),
  f32_spmm_1x4: vector(4),
  f32_conv_spmm_28x1: spmm(1, true),
  f32_conv_spmm_16x2: spmm(2, true),
  f32_conv_spmm_8x4: spmm(4, true),
};
