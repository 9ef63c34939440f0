// Weights × values in quads, in bytes: y (rows, pixels) = round(scale · (W · x + bias)); quads.ts says what the bytes mean.
import { blockCount } from '../constants.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import { pixelsOf, tiles } from '../tiles.ts';
import type { Tile } from '../tiles.ts';
import { windows } from './quads.ts';

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

/** Sums of a tile of four rows and what is made of them, of at most 13 vectors; three vectors of bounds. */
export const dotScratchBytes = 2 * 4 * 16 * 13 + 48;

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

/** Bytes of scratch for a depthwise convolution; assembly/dots/depthwise.ts draws it. */
export function depthwiseBytesScratch(n: {
  xWidth: number;
  width: number;
  kernelH: number;
  kernelW: number;
  strideH: number;
  strideW: number;
}): number {
  const lines = Math.floor((up4(n.kernelH) - n.kernelH) / n.strideH) + 1;
  // pairs of rows are most
  const groups = Math.ceil(((lines - 1) * n.strideH + n.kernelH) / 2);
  const pitch = (n.width - 1) * n.strideW + n.kernelW + 3 * n.strideW + 3;
  return 16 * (3 + lines * groups * n.kernelW + Math.floor((n.xWidth + 6) / 4) + groups * pitch);
}

const depthwise = kernel({
  family: 'dots',
  record: 'DepthwiseBytesRecord',
  fields: {
    x: 'read', // planes of words
    weights: 'read', // an `i32` constant: for each plane four biases, four scales (f32), and a word for each kernel position
    table: 'read', // 256 bytes, where `look` is 1
    scratch: 'write', // depthwiseBytesScratch
    y: 'write',
    batch: 'u32',
    xBatch: 'u32', // bytes from one image to the next
    yBatch: 'u32',
    ...windows,
    bits: 'u32', // of x: 7 or 8
    xZero: 'u32', // the byte of padding
    zero: 'u32',
    low: 'u32',
    high: 'u32',
    look: 'u32', // 1: bytes are replaced by the table's
  },
  extents(n) {
    const sizes = [
      n.batch,
      n.planes,
      n.xHeight,
      n.xWidth,
      n.height,
      n.width,
      n.kernelH,
      n.kernelW,
      n.strideH,
      n.strideW,
    ];
    if (sizes.includes(0)) throw new Error('an extent is 0');
    if (n.bits !== 7 && n.bits !== 8) throw new Error(`bits ${n.bits}`);
    if (n.look > 1 || ![n.xZero, n.zero, n.low, n.high].every(isByte)) throw new Error('wanted bytes');
    const reach = [
      (n.height + n.kernelH) * n.strideH + n.kernelH + n.top,
      (n.width + 4) * n.strideW + n.kernelW + n.left,
      n.xHeight * n.xWidth,
    ];
    if (Math.max(...reach) >= 2 ** 26) throw new Error('windows beyond 2²⁶ pixels');
    const pixels = n.xHeight * n.xWidth;
    const x = (n.batch - 1) * n.xBatch + (n.planes - 1) * n.xPlane + 4 * (pixels + 3);
    const y = (n.batch - 1) * n.yBatch + (n.planes - 1) * n.yPlane + 4 * n.height * n.width;
    checkApart('x', n.batch * n.planes * pixels, x);
    checkApart('y', n.batch * n.planes * n.height * n.width, y);
    const weights = 4 * n.planes * (8 + n.kernelH * n.kernelW);
    return { x, weights, table: n.look ? 256 : 0, scratch: depthwiseBytesScratch(n), y };
  },
  work(n) {
    const scratch = depthwiseBytesScratch(n);
    const area = n.kernelH * n.kernelW;
    return n.batch * n.planes * (16 * n.height * n.width * area + n.height * (scratch / 16));
  },
  axes: import.meta.oneThread
    ? undefined
    : (n) => [
        {
          field: 'planes',
          moves: {
            x: n.xPlane,
            weights: 4 * (8 + n.kernelH * n.kernelW),
            table: 0,
            scratch: 'own',
            y: n.yPlane,
          },
        },
      ],
});

export const dotKernels = {
  i8_dot_12x4: dot(tiles.dots['12x4']),
  i8_dot_24x2: dot(tiles.dots['24x2']),
  i8_dot_52x1: dot(tiles.dots['52x1']),
  i8_depthwise: depthwise,
};
