// Weights × planes: the record that dense and sparse kernels share, so that one can replace the other.
import { activationFields, checkActivation, preluCode } from '../activations.ts';
import { checkApart, constantOf } from '../kernel.ts';
import type { Table } from '../kernel.ts';
import { pixelsOf } from '../tiles.ts';
import type { Tile } from '../tiles.ts';

export const matrixFields = {
  x: 'read',
  taps: 'read', // a `taps` constant, one entry per column
  weights: 'read', // a `gemm` or `spmm` constant
  scratch: 'write', // a tile of every column; see matrixScratchBytes
  residual: 'read', // what `add` adds, laid out as y. May be y itself if no vector runs past a row's end. With preluCode: slopes
  y: 'write',
  batch: 'u32',
  xBatch: 'u32', // bytes from one image to the next
  yBatch: 'u32',
  rows: 'u32', // output channels
  columns: 'u32',
  height: 'u32', // of an output plane
  width: 'u32',
  rowPixels: 'u32', // of an input row, a multiple of 4; pointwise kernels treat a plane as one row of height × width pixels
  yPlane: 'u32', // bytes from one output plane to the next
  // 0 for sparse kernels; dense ones pack tiles first: over flat planes the wide one so many vectors at a time, others 1
  packed: 'u32',
  add: 'u32', // 1: y = act(W · x + bias + residual)
  ...activationFields,
} as const;

type Numbers = {
  readonly [K in keyof typeof matrixFields as (typeof matrixFields)[K] extends 'read' | 'write' ? never : K]: number;
};

/** Bytes of scratch for a packed tile of this many columns. */
export function matrixScratchBytes(columns: number, tile: Tile): number {
  return 4 * pixelsOf(tile) * columns;
}

const up4 = (pixels: number) => Math.ceil(pixels / 4) * 4;

/**
 * The bytes that a kernel over planes touches. `packed`: the tile it packs, absent when it reads x itself; `weights`:
 * bytes of weights; `largest`: the largest byte offset in them.
 */
export function matrixExtents(
  n: Numbers,
  table: (field: string) => Table,
  { shifted, packed, weights, largest }: { shifted: boolean; packed?: Tile; weights: number; largest: number },
) {
  const hasSlopes = n.activation === preluCode;
  if (!hasSlopes) checkActivation(n.activation);
  else if (n.add) throw new Error('slopes and a residual');
  if (!n.batch || !n.rows || !n.columns || !n.height || !n.width) throw new Error('an extent is 0');
  if (shifted && (n.rowPixels % 4 || n.rowPixels < n.width)) throw new Error(`row of ${n.rowPixels} pixels`);
  const pixels = n.height * n.width;
  const read = shifted ? (n.height - 1) * n.rowPixels + n.width : pixels;
  const written = shifted ? pixels + 4 : up4(pixels);
  const { constant: taps, largest: tap } = constantOf(table, 'taps', 'taps');
  if (taps.taps.channels * taps.taps.kernel[0] * taps.taps.kernel[1] < n.columns) {
    throw new Error(`fewer taps than ${n.columns} columns`);
  }
  const x = (n.batch - 1) * n.xBatch + (packed ? tap : largest) + 4 * up4(read);
  const y = (n.batch - 1) * n.yBatch + (n.rows - 1) * n.yPlane + 4 * written;
  checkApart('x', n.batch * read, x);
  checkApart('y', n.batch * n.rows * pixels, y);
  const scratch = packed ? Math.max(matrixScratchBytes(n.columns, packed), largest + matrixScratchBytes(1, packed)) : 0;
  return { x, taps: 4 * n.columns, weights, scratch, residual: n.add ? y : hasSlopes ? 4 * n.rows : 0, y };
}

/**
 * Axes that divide a kernel over planes: groups of `group` rows, with `weights` bytes of weights per row; flat planes
 * also by pixels.
 */
export function matrixAxes(
  n: Numbers,
  { shifted, group, weights }: { shifted: boolean; group: number; weights: number | 'groups' },
) {
  const pixels = n.height * n.width;
  const still = { taps: 0, scratch: 'own' } as const;
  const hasSlopes = n.activation === preluCode;
  const rows = {
    field: 'rows',
    multiple: group,
    moves: { ...still, x: 0, weights, residual: hasSlopes ? 4 : n.yPlane, y: n.yPlane },
  } as const;
  const flat = {
    field: 'width',
    units: pixels,
    set: { height: 1 },
    multiple: 4,
    moves: { ...still, x: 4, weights: 0, residual: hasSlopes ? 0 : 4, y: 4 },
  } as const;
  // vectors run past the end of shifted planes: a part by rows has its own padding if planes are apart; by pixels it
  // has none
  const apart = n.yPlane >= 4 * (shifted ? pixels + 4 : up4(pixels));
  return [...(apart ? [rows] : []), ...(shifted ? [] : [flat])];
}
