// Weights × values in quads, in bytes: y (rows, pixels) = round(scale · (W · x + bias)); quads.ts says what the bytes mean.
import { blockCount } from '../constants.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import { pixelsOf, tiles } from '../tiles.ts';
import type { Tile } from '../tiles.ts';

const fields = {
  x: 'read', // planes of words
  weights: 'read', // a `blocks` constant
  table: 'read', // 256 bytes, an `f32` or `i32` constant, where `look` is 1
  scratch: 'write', // dotScratchBytes
  y: 'write', // planes of words, or of floats
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  rows: 'u32', // output channels
  height: 'u32', // of an output plane
  width: 'u32',
  rowPixels: 'u32', // words of an input row; 0: a plane is one row, and `height` is 1
  yPlane: 'u32', // bytes from one plane of words (four channels) to the next, or of floats
  floats: 'u32', // 0: bytes, 1: floats
  zero: 'u32', // the byte for 0, of bytes
  low: 'f32', // bounds: bytes, or floats
  high: 'f32',
  look: 'u32', // 1: bytes are replaced by the table's
} as const;

/** Sums of a tile of four rows, and what is made of them. */
export const dotScratchBytes = 2 * 64 * Math.max(...Object.values(tiles.dots).map(({ vectors }) => vectors));

const up4 = (count: number) => Math.ceil(count / 4) * 4;

const isByte = (n: number) => Number.isInteger(n) && n >= 0 && n <= 255;

const dot = (tile: Tile) =>
  kernel({
    family: 'dots',
    record: 'DotRecord',
    fields,
    extents(n, table) {
      const { constant, largest } = constantOf(table, 'weights', 'blocks');
      if (constant.group !== tile.rows || constant.rows !== n.rows) {
        throw new Error(`weights must be in blocks of ${tile.rows} rows, with ${n.rows} rows`);
      }
      if (!n.batch || !n.rows || !n.height || !n.width) throw new Error('an extent is 0');
      if (n.rowPixels === 0 ? n.height !== 1 : n.rowPixels < n.width) throw new Error(`row of ${n.rowPixels} pixels`);
      if (n.floats > 1 || n.look > 1 || (n.floats && n.look)) throw new Error(`floats ${n.floats}, look ${n.look}`);
      if (!n.floats && !(isByte(n.zero) && isByte(n.low) && isByte(n.high))) {
        throw new Error(`zero ${n.zero}, low ${n.low}, high ${n.high}: wanted bytes`);
      }
      const pixels = n.height * n.width;
      const positions = (n.height - 1) * n.rowPixels + n.width;
      // narrower tiles than a whole one reach up to a vector too far
      const beyond = positions > pixelsOf(tile) ? 0 : 4;
      const x = (n.batch - 1) * n.xBatch + largest + 4 * (positions === 1 ? 1 : up4(positions) + beyond);
      const planes = n.floats ? n.rows : up4(n.rows) / 4;
      const y = (n.batch - 1) * n.yBatch + (planes - 1) * n.yPlane + 4 * pixels;
      checkApart('x', n.batch * positions, x);
      checkApart('y', n.batch * planes * pixels, y);
      return { x, weights: 4, table: n.look ? 256 : 0, scratch: dotScratchBytes, y };
    },
    work(n, table) {
      const { constant } = constantOf(table, 'weights', 'blocks');
      const positions = (n.height - 1) * n.rowPixels + n.width;
      return n.batch * positions * (n.rows + 4 * tile.rows * blockCount(constant));
    },
    axes: import.meta.oneThread
      ? undefined
      : (n) => {
          const still = { table: 0, scratch: 'own' } as const;
          const y = n.floats ? n.yPlane : n.yPlane / 4;
          const rows = { field: 'rows', multiple: 4, moves: { ...still, x: 0, weights: 'groups', y } } as const;
          const pixels = { field: 'width', multiple: 4, moves: { ...still, x: 4, weights: 0, y: 4 } } as const;
          const lines = {
            field: 'height',
            moves: { ...still, x: 4 * n.rowPixels, weights: 0, y: 4 * n.width },
          } as const;
          return [rows, n.rowPixels ? lines : pixels];
        },
  });

export const dotKernels = {
  i8_dot_12x4: dot(tiles.dots['12x4']),
  i8_dot_24x2: dot(tiles.dots['24x2']),
  i8_dot_52x1: dot(tiles.dots['52x1']),
};
