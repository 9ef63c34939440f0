// Dense 3×3 convolutions of stride 1 by tiles: y = act(W ∗ x + bias + residual). assembly/winograd/index.ts says how.
import { activationFields, checkActivation, preluCode } from '../activations.ts';
import { winogradBytes } from '../constants.ts';
import { checkApart, constantOf, kernel } from '../kernel.ts';
import { isWinogradTile, tiles } from '../tiles.ts';
import type { Tile } from '../tiles.ts';

/** The most zeros around a plane on any side. */
export const widestPad = 2;

/** Sizes that decide on the scratch memory. */
export interface WinogradShape {
  /** Rows and columns of the weights: output and input channels. */
  rows: number;
  columns: number;
  tile: number;
  /** Of an output plane. */
  width: number;
  xWidth: number;
}

const up4 = (n: number) => 4 * Math.ceil(n / 4);

/** Transformed inputs and products of so many bytes stay in an L2 cache. */
const bandBytes = 600_000;

/** Rows of tiles to transform at a time: as many as stay cached, more where rereading the weights would cost more. */
export function winogradBand({ rows, columns, tile, width }: WinogradShape, height: number): number {
  const points = (tile + 2) ** 2;
  const weights = 4 * points * rows * columns;
  const tilesOfRow = Math.ceil(width / tile);
  const most = Math.max(1, Math.floor(Math.max(bandBytes, weights / 2) / (4 * points * (rows + columns)) / tilesOfRow));
  const down = Math.ceil(height / tile);
  // bands of about equal height
  return Math.ceil(down / Math.ceil(down / most));
}

/** Bytes of scratch for bands of so many rows of tiles. */
export function winogradScratchBytes({ rows, columns, tile, width, xWidth }: WinogradShape, band: number): number {
  const points = (tile + 2) ** 2;
  const across = Math.ceil(width / tile);
  const vectors = Math.ceil((band * across) / 4);
  const zeros = 4 * (up4(xWidth) + 4);
  const outputs = 384 + (band + 1) * tile * 4 * tile * across;
  const lines = 4 * band * (tile + 2) * (up4(width) + 12);
  return zeros + outputs + lines + 64 + points * (16 * vectors * (rows + columns) + 128);
}

const winograd = ({ rows: panel }: Tile) =>
  kernel({
    family: 'winograd',
    record: 'WinogradRecord',
    fields: {
      x: 'read',
      weights: 'read', // a `gemm` constant of 9 · columns columns, transformed for this tile
      scratch: 'write', // see winogradScratchBytes
      residual: 'read', // what `add` adds, laid out as y; may be y itself. With preluCode: slopes
      y: 'write', // its first row
      batch: 'u32',
      xBatch: 'u32', // bytes from one image to the next
      yBatch: 'u32',
      rows: 'u32', // output channels, of the weights
      rowStart: 'u32', // the first that is computed
      rowCount: 'u32', // how many are
      columns: 'u32', // input channels
      tile: 'u32', // outputs of a tile along each axis: 2 or 4
      band: 'u32', // rows of tiles that are transformed at a time
      firstRow: 'u32', // the first row of outputs that is computed, a multiple of `tile`
      height: 'u32', // how many are
      width: 'u32',
      xHeight: 'u32',
      xWidth: 'u32',
      top: 'u32', // zeros around x
      left: 'u32',
      xPlane: 'u32', // bytes from one plane to the next
      yPlane: 'u32',
      add: 'u32', // 1: y = act(W ∗ x + bias + residual)
      ...activationFields,
    },
    extents(n, table) {
      const hasSlopes = n.activation === preluCode;
      if (!hasSlopes) checkActivation(n.activation);
      else if (n.add) throw new Error('slopes and a residual');
      const { constant } = constantOf(table, 'weights', 'gemm');
      const { rows, columns, tile, rowStart, rowCount } = n;
      if (!isWinogradTile(tile)) throw new Error(`tiles of ${tile} outputs`);
      if (
        constant.winograd !== tile ||
        (constant.wide === true) !== (panel === 6) ||
        constant.rows !== rows ||
        constant.columns !== 9 * columns
      ) {
        throw new Error(
          `weights must be for tiles of ${tile} in panels of ${panel}, ${rows} rows of ${columns} columns`,
        );
      }
      if (!n.batch || !rowCount || !n.height || !n.width || !n.xHeight || !n.xWidth || !n.band) {
        throw new Error('an extent is 0');
      }
      if (rowStart % panel || rowStart + rowCount > rows) throw new Error(`rows ${rowStart} to ${rowStart + rowCount}`);
      if (n.firstRow % tile) throw new Error(`first row ${n.firstRow}`);
      const right = n.width + 2 - n.left - n.xWidth;
      const pads = [n.top, n.left, right];
      if (pads.some((pad) => !(pad >= 0 && pad <= widestPad))) throw new Error(`pads of ${pads}`);
      const x = (n.batch - 1) * n.xBatch + (columns - 1) * n.xPlane + 4 * n.xHeight * n.xWidth;
      const y = (n.batch - 1) * n.yBatch + (rowCount - 1) * n.yPlane + 4 * n.height * n.width;
      checkApart('x', n.batch * columns * n.xHeight * n.xWidth, x);
      checkApart('y', n.batch * rowCount * n.height * n.width, y);
      const down = Math.ceil(n.height / tile);
      return {
        x: x + 12, // vectors may begin in a row's last pixel
        weights: winogradBytes(rows, columns, panel, tile),
        scratch: winogradScratchBytes(n, Math.min(n.band, down)),
        residual: n.add ? y + 12 : hasSlopes ? 4 * rowCount : 0,
        y,
      };
    },
    work: ({ batch, rowCount, columns, height, width, tile }) => {
      const tilesOfPlane = Math.ceil(height / tile) * Math.ceil(width / tile);
      return batch * (tile + 2) ** 2 * (tilesOfPlane + 4) * (rowCount * columns + 4 * (rowCount + columns));
    },
    axes: import.meta.oneThread
      ? undefined
      : (n) => [
          {
            field: 'height',
            start: 'firstRow',
            multiple: n.tile,
            moves: {
              x: 0,
              weights: 0,
              scratch: 'own',
              residual: n.activation === preluCode ? 0 : 4 * n.width,
              y: 4 * n.width,
            },
          },
          {
            field: 'rowCount',
            start: 'rowStart',
            multiple: panel,
            moves: {
              x: 0,
              weights: 0,
              scratch: 'own',
              residual: n.activation === preluCode ? 4 : n.yPlane,
              y: n.yPlane,
            },
          },
        ],
  });

export const winogradKernels = {
  f32_winograd_8x4: winograd(tiles.gemm['8x4']),
  f32_winograd_8x6: winograd(tiles.gemm['8x6']),
};
