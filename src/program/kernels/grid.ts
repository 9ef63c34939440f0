// Images at the coordinates of a grid.
import { checkApart, kernel } from '../kernel.ts';

const up4 = (count: number) => Math.ceil(count / 4) * 4;

export const gridKernels = {
  /** y (N, C, H′, W′) = x (N, C, H, W) at grid (N, H′, W′, 2), by the rules of src/ops/grid-sample.ts. */
  f32_grid_sample: kernel({
    family: 'grid',
    record: 'GridSampleRecord',
    fields: {
      x: 'read',
      grid: 'read', // rows of pairs: column and row of each pixel, −1…1
      scratch: 'write', // 32 bytes for each pixel of a row of y, a multiple of 4 pixels
      y: 'write',
      batch: 'u32',
      xBatch: 'u32', // bytes from one image to the next
      gridBatch: 'u32',
      yBatch: 'u32',
      channels: 'u32',
      xPlane: 'u32', // bytes from one input plane to the next; rows are xWidth floats
      xHeight: 'u32',
      xWidth: 'u32',
      gridRow: 'u32', // bytes from the coordinates of one row of y to the next
      yPlane: 'u32', // bytes from one output plane to the next; rows are `width` floats
      height: 'u32', // of an output plane
      width: 'u32',
      linear: 'u32', // 1: a mean of four pixels by distance; 0: the nearest pixel
      padding: 'u32', // index into gridPaddings
      alignCorners: 'u32', // 1: −1 and 1 are the centres of the first and the last pixel; 0: their outer edges
    },
    extents(n) {
      if (!n.batch || !n.channels || !n.xHeight || !n.xWidth || !n.height || !n.width) {
        throw new Error('an extent is 0');
      }
      if (n.padding > 2) throw new Error(`unknown padding code ${n.padding}`);
      const pixels = n.height * n.width;
      const x = (n.batch - 1) * n.xBatch + (n.channels - 1) * n.xPlane + 4 * n.xHeight * n.xWidth;
      const grid = (n.batch - 1) * n.gridBatch + (n.height - 1) * n.gridRow + 8 * n.width;
      const y = (n.batch - 1) * n.yBatch + (n.channels - 1) * n.yPlane + 4 * (pixels === 1 ? 1 : pixels + 3);
      checkApart('x', n.batch * n.channels * n.xHeight * n.xWidth, x);
      checkApart('grid', 2 * n.batch * pixels, grid);
      checkApart('y', n.batch * n.channels * pixels, y);
      return { x, grid, scratch: 32 * up4(n.width), y };
    },
    /** Four neighbours a pixel; finding them takes about as long as four channels. */
    work: (n) => 4 * n.batch * n.height * n.width * (n.channels + 4),
    // by channels, where stores beyond a plane's end stay in its padding
    axes: import.meta.oneThread
      ? undefined
      : (n) => {
          const pixels = n.height * n.width;
          if (n.yPlane < 4 * (pixels === 1 ? 1 : pixels + 3)) return [];
          return [{ field: 'channels', moves: { x: n.xPlane, grid: 0, scratch: 'own', y: n.yPlane } }];
        },
  }),
};
