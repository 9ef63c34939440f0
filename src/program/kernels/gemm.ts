// Dense weights × planes: y (rows, pixels) = act(W (rows, columns) · x).
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';

const fields = {
  x: 'read',
  taps: 'read', // a `taps` constant, one entry a column
  weights: 'read', // a `gemm` constant
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  rows: 'u32', // output channels
  columns: 'u32',
  height: 'u32', // of an output plane
  width: 'u32',
  rowPixels: 'u32', // of an input row, a multiple of 4; pointwise kernels see one row of height × width pixels
  yPlane: 'u32', // bytes from one output plane to the next
  ...activationFields,
} as const;

const up4 = (pixels: number) => Math.ceil(pixels / 4) * 4;

const gemm = (kind: 'flat' | 'shifted' | 'vector') =>
  kernel({
    family: 'gemm',
    record: 'GemmRecord',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      const { constant } = constantOf(table, 'weights', 'gemm');
      if (constant.rows !== n.rows || constant.columns !== n.columns) {
        throw new Error(`weights must have ${n.rows} rows and ${n.columns} columns`);
      }
      if (!n.batch || !n.rows || !n.columns || !n.height || !n.width) throw new Error('an empty extent');
      const pixels = n.height * n.width;
      if (kind === 'vector' && pixels !== 1) throw new Error(`${pixels} pixels, where one is meant`);
      if (kind === 'shifted' && (n.rowPixels % 4 || n.rowPixels < n.width)) {
        throw new Error(`row of ${n.rowPixels} pixels`);
      }
      const { largest } = constantOf(table, 'taps', 'taps');
      const read = kind === 'shifted' ? (n.height - 1) * n.rowPixels + n.width : pixels;
      const written =
        kind === 'vector' ? 4 * n.rows : (n.rows - 1) * n.yPlane + 4 * (kind === 'flat' ? up4(pixels) : pixels + 4);
      const x = (n.batch - 1) * n.xBatch + largest + 4 * (kind === 'vector' ? 1 : up4(read));
      const y = (n.batch - 1) * n.yBatch + written;
      checkApart('x', n.batch * read, x);
      checkApart('y', n.batch * n.rows * pixels, y);
      return { x, taps: 4 * n.columns, weights: 16 * (n.columns + 1) * Math.ceil(n.rows / 4), y };
    },
    axes(n) {
      const pixels = n.height * n.width;
      const weights = 4 * (n.columns + 1); // a quarter of a group of rows
      if (kind === 'vector') return [{ field: 'rows', multiple: 4, moves: { x: 0, taps: 0, weights, y: 4 } }];
      const rows = { field: 'rows', multiple: 4, moves: { x: 0, taps: 0, weights, y: n.yPlane } } as const;
      const flat = {
        field: 'width',
        units: pixels,
        set: { height: 1 },
        multiple: 4,
        moves: { x: 4, taps: 0, weights: 0, y: 4 },
      } as const;
      // vectors run over the end of shifted planes: into a part's own padding, but for rows and pixels into another part
      const apart = n.yPlane >= 4 * (kind === 'shifted' ? pixels + 4 : up4(pixels));
      return [...(apart ? [rows] : []), ...(kind === 'shifted' ? [] : [flat])];
    },
  });

export const gemmKernels = {
  f32_gemm_8x4: gemm('flat'),
  f32_gemm_1x4: gemm('vector'),
  f32_conv_gemm_8x4: gemm('shifted'),
};
