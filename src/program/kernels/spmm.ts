// Sparse weights × planes: y (rows, pixels) = act(W (rows, columns) · x), W sparse in groups of rows.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import type { Table } from '../kernel.ts';

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

/** The farthest byte offset that the weights hold. @throws Error when the kernel does not take them. */
function largestOffset(rows: number, group: number, table: (field: string) => Table): number {
  const { constant, largest } = constantOf(table, 'weights', 'spmm');
  if (constant.group !== group || constant.rows !== rows) {
    throw new Error(`weights must be in groups of ${group}, with ${rows} rows`);
  }
  return largest;
}

const up4 = (pixels: number) => Math.ceil(pixels / 4) * 4;

/** `group` rows share positions; `shifted` kernels read rows of `rowPixels` and write rows of `width`. */
const spmm = (group: number, shifted: boolean) =>
  kernel({
    family: 'spmm',
    record: 'SpmmRecord',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      const largest = largestOffset(n.rows, group, table);
      if (!n.batch || !n.rows || !n.height || !n.width) throw new Error('an empty extent');
      if (shifted && (n.rowPixels % 4 || n.rowPixels < n.width)) throw new Error(`row of ${n.rowPixels} pixels`);
      const pixels = n.height * n.width;
      const read = shifted ? (n.height - 1) * n.rowPixels + n.width : pixels;
      const written = shifted ? pixels + 4 : up4(pixels);
      const x = (n.batch - 1) * n.xBatch + largest + 4 * up4(read);
      const y = (n.batch - 1) * n.yBatch + (n.rows - 1) * n.yPlane + 4 * written;
      checkApart('x', n.batch * read, x);
      checkApart('y', n.batch * n.rows * pixels, y);
      return { x, weights: 4, y };
    },
    axes(n) {
      const pixels = n.height * n.width;
      const rows = { field: 'rows', multiple: group, moves: { x: 0, weights: 'groups', y: n.yPlane } } as const;
      const flat = {
        field: 'width',
        units: pixels,
        set: { height: 1 },
        multiple: 4,
        moves: { x: 4, weights: 0, y: 4 },
      } as const;
      // vectors run over the end of shifted planes: into a part's own padding, but for rows and pixels into another part
      const apart = n.yPlane >= 4 * (shifted ? pixels + 4 : up4(pixels));
      return [...(apart ? [rows] : []), ...(shifted ? [] : [flat])];
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
      const largest = largestOffset(n.rows, group, table);
      if (!n.batch || !n.rows) throw new Error('an empty extent');
      const y = (n.batch - 1) * n.yBatch + 4 * n.rows;
      checkApart('y', n.batch * n.rows, y);
      return { x: (n.batch - 1) * n.xBatch + largest + 4, weights: 4, y };
    },
    axes: () => [{ field: 'rows', multiple: group, moves: { x: 0, weights: 'groups', y: 4 } }],
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
