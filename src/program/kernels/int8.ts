// 8-bit weights × 8-bit planes: y (rows, pixels) = act(scale · (W (rows, columns) · x) + bias), W sparse in groups of rows.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import { up16 } from '../layout.ts';
import { pixelsOf, tiles } from '../tiles.ts';
import type { Tile } from '../tiles.ts';

const fields = {
  x: 'read', // planes of bytes
  weights: 'read', // an `i8` constant
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  rows: 'u32', // output channels
  pixels: 'u32', // of a plane
  yPlane: 'u32', // bytes from one output plane to the next
  ...activationFields,
} as const;

/** Tiles start at multiples of this many pixels, including those of the remaining rows. */
const step = pixelsOf(tiles.int8['16x1']);

const product = ({ rows: group }: Tile) =>
  kernel({
    family: 'int8',
    record: 'Int8Record',
    fields,
    extents(n, table) {
      checkActivation(n.activation);
      const { constant, largest } = constantOf(table, 'weights', 'i8');
      if (constant.group !== group || constant.rows !== n.rows) {
        throw new Error(`weights must be in groups of ${group}, with ${n.rows} rows`);
      }
      if (!n.batch || !n.rows || !n.pixels) throw new Error('an extent is 0');
      const x = (n.batch - 1) * n.xBatch + largest + step * Math.ceil(n.pixels / step);
      const y = (n.batch - 1) * n.yBatch + (n.rows - 1) * n.yPlane + 16 * Math.ceil(n.pixels / 4);
      checkApart('x', (n.batch * n.pixels) / 4, x);
      checkApart('y', n.batch * n.rows * n.pixels, y);
      return { x, weights: 4, y };
    },
    work: (n, table) => n.batch * n.pixels * (n.rows + constantOf(table, 'weights', 'i8').constant.values.length),
    axes: import.meta.oneThread
      ? undefined
      : () => [{ field: 'pixels', multiple: step, moves: { x: 1, weights: 0, y: 4 } }],
  });

export const int8Kernels = {
  i8_quantise: kernel({
    family: 'int8',
    record: 'QuantiseRecord',
    fields: {
      x: 'read',
      y: 'write', // planes of bytes 0…127
      planes: 'u32',
      pixels: 'u32', // of a plane
      xPlane: 'u32', // bytes from one plane to the next
      yPlane: 'u32',
      scale: 'f32', // quantisation steps per unit
      zero: 'f32', // the integer for 0, 0…127
    },
    extents({ planes, pixels, xPlane, yPlane, zero }) {
      if (!planes || !pixels) throw new Error('an extent is 0');
      if (!(Number.isInteger(zero) && zero >= 0 && zero <= 127)) throw new Error(`zero point ${zero}`);
      const x = (planes - 1) * xPlane + 4 * up16(pixels);
      const y = (planes - 1) * yPlane + up16(pixels);
      checkApart('y', (planes * pixels) / 4, y);
      return { x, y };
    },
    work: (n) => n.planes * n.pixels,
    axes: import.meta.oneThread ? undefined : (n) => [{ field: 'planes', moves: { x: n.xPlane, y: n.yPlane } }],
  }),
  i8_spmm_8x4: product(tiles.int8['8x4']),
  i8_spmm_8x2: product(tiles.int8['8x2']),
  i8_spmm_16x1: product(tiles.int8['16x1']),
};
