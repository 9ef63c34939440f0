// Weights × planes: what records of dense and sparse kernels share, so that one can take the other's place.
import { activationFields, checkActivation } from '../activations.ts';
import { checkApart, constantOf } from '../kernel.ts';
import type { Table } from '../kernel.ts';

export const matrixFields = {
  x: 'read',
  taps: 'read', // a `taps` constant, one entry a column
  weights: 'read', // a `gemm` or `spmm` constant
  scratch: 'write', // a tile of every column; see matrixScratchBytes
  residual: 'read', // laid out as y; what `add` adds. May be y itself if no vector runs over a row's end
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
  packed: 'u32', // 1: tiles are packed first, and sparse weights' offsets are into the packed tile. Dense tiles always are
  add: 'u32', // 1: y = act(W · x + bias + residual)
  ...activationFields,
} as const;

type Numbers = {
  readonly [K in keyof typeof matrixFields as (typeof matrixFields)[K] extends 'read' | 'write' ? never : K]: number;
};

/** Pixels of the tile that a kernel packs, and with it the floats from one of its columns to the next. */
export const packedTile = { dense: 8, sparse: 28 } as const;

/** Bytes of scratch for tiles of so many columns. */
export function matrixScratchBytes(columns: number, tile: number): number {
  return 4 * tile * columns;
}

const up4 = (pixels: number) => Math.ceil(pixels / 4) * 4;

/**
 * What a kernel over planes touches. `tile`: pixels of the tile that it packs, 0 if it reads x itself; `weights`: bytes of
 * them; `largest`: byte offset in them.
 */
export function matrixExtents(
  n: Numbers,
  table: (field: string) => Table,
  { shifted, tile, weights, largest }: { shifted: boolean; tile: number; weights: number; largest: number },
) {
  checkActivation(n.activation);
  if (!n.batch || !n.rows || !n.columns || !n.height || !n.width) throw new Error('an empty extent');
  if (shifted && (n.rowPixels % 4 || n.rowPixels < n.width)) throw new Error(`row of ${n.rowPixels} pixels`);
  const pixels = n.height * n.width;
  const read = shifted ? (n.height - 1) * n.rowPixels + n.width : pixels;
  const written = shifted ? pixels + 4 : up4(pixels);
  const { constant: taps, largest: tap } = constantOf(table, 'taps', 'taps');
  if (taps.taps.channels * taps.taps.kernel[0] * taps.taps.kernel[1] < n.columns) {
    throw new Error(`fewer taps than ${n.columns} columns`);
  }
  const x = (n.batch - 1) * n.xBatch + (tile ? tap : largest) + 4 * up4(read);
  const y = (n.batch - 1) * n.yBatch + (n.rows - 1) * n.yPlane + 4 * written;
  checkApart('x', n.batch * read, x);
  checkApart('y', n.batch * n.rows * pixels, y);
  const scratch = tile ? Math.max(matrixScratchBytes(n.columns, tile), largest + 4 * tile) : 0;
  return { x, taps: 4 * n.columns, weights, scratch, residual: n.add ? y : 0, y };
}

/** Ways to divide a kernel over planes: by `group` rows, whose weights are `weights` bytes a row; flat planes by pixels too. */
export function matrixAxes(
  n: Numbers,
  { shifted, group, weights }: { shifted: boolean; group: number; weights: number | 'groups' },
) {
  const pixels = n.height * n.width;
  const still = { taps: 0, scratch: 'own' } as const;
  const rows = {
    field: 'rows',
    multiple: group,
    moves: { ...still, x: 0, weights, residual: n.yPlane, y: n.yPlane },
  } as const;
  const flat = {
    field: 'width',
    units: pixels,
    set: { height: 1 },
    multiple: 4,
    moves: { ...still, x: 4, weights: 0, residual: 4, y: 4 },
  } as const;
  // vectors run over the end of shifted planes: into a part's own padding, but for rows and pixels into another part
  const apart = n.yPlane >= 4 * (shifted ? pixels + 4 : up4(pixels));
  return [...(apart ? [rows] : []), ...(shifted ? [] : [flat])];
}
