// The work of weights × planes, and of Winograd's tiles, in the units of cost.ts.
import { winogradBytes } from '../program/constants.ts';
import type { KernelName } from '../program/kernels.ts';
import { packedVectors } from '../program/kernels/gemm.ts';
import type { WinogradShape } from '../program/kernels/winograd.ts';
import { lineVectors, tiles } from '../program/tiles.ts';
import { wideBlock, wideKernels } from '../program/wide.ts';
import type { Core, OperationCounts } from './cost-model.ts';
import { matrixKernels } from './matrix-kernels.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import { countDense } from './pack.ts';
import type { Kept } from './pack.ts';

/** The planes that weights multiply, with the fields of kernel records. */
export interface ProductShape {
  batch: number;
  rows: number;
  columns: number;
  /** Height of an output plane. */
  height: number;
  width: number;
  /** Pixels in a row of a padded copy; 0 when planes are read pixel by pixel. */
  rowPixels: number;
}

/** Planes of more pixels have tiles of whole cache lines in 52x1: assembly/spmm/index.ts. */
const beyondCache = 3000;

/** Shifted planes of more columns have narrow tiles in 24x2: assembly/gemm/wide.ts. */
const mostColumns = 144;

/** How a kernel divides a product: vectors of a tile, rows of a dense tile, and vectors of a plane. */
function divide(
  kernel: MatrixKernelName,
  { columns, height, width, rowPixels }: ProductShape,
  wideTiles: boolean | undefined,
): { tile: number; panel: number; vectors: number } {
  const { kind, group, tile } = matrixKernels[kernel];
  const pixels = kind === 'shifted' ? (height - 1) * rowPixels + width : height * width;
  const vectors = Math.ceil(pixels / 4);
  if (!wideTiles || !(kernel in wideKernels)) return { tile: tile.vectors, panel: tile.rows, vectors };
  if (group !== 'dense') {
    const isLarge = kind === 'flat' && pixels > beyondCache;
    return { tile: isLarge ? lineVectors : tiles.spmm['52x1'].vectors, panel: 1, vectors };
  }
  const [large, small] = [tiles.gemm['24x2'], tiles.gemm['8x6']];
  // shifted planes are read row by row
  if (kind === 'shifted') {
    const { vectors: of, rows: panel } = columns > mostColumns ? small : large;
    return { tile: of, panel, vectors: height * Math.ceil(width / 4) };
  }
  const { vectors: of, rows: panel } = packedVectors(pixels, columns) === large.vectors ? large : small;
  return { tile: of, panel, vectors };
}

/**
 * The work of y (rows, pixels) = W (rows, columns) · x by a kernel that keeps `kept` of W.
 * @param block columns that sparse kernels over planes sum at a time, as files have it; each block adds to the one before
 */
export function productWork(
  kernel: MatrixKernelName,
  shape: ProductShape,
  kept: Kept,
  { cacheBytes, wideTiles }: Pick<Core, 'cacheBytes' | 'wideTiles'>,
  block?: number,
): OperationCounts {
  const { kind, group } = matrixKernels[kernel];
  const { batch, rows, columns } = shape;
  const { tile, panel, vectors } = divide(kernel, shape, wideTiles);
  const { groups, positions, weights } = group === 'dense' ? countDense(rows, columns, panel) : kept;
  const isWide = wideTiles && kernel in wideKernels;
  const blocks = block ? Math.ceil(columns / (isWide ? wideBlock(block) : block)) : 1;
  const tileColumns = batch * Math.ceil(vectors / tile);
  // in memory: biases and weights, and a byte offset for each position (dense: for each column)
  const offsets = group === 'dense' ? columns : positions + groups;
  const bytes = 4 * (weights + rows + offsets);
  return [
    { kernel, count: 'group', times: tileColumns * groups * blocks },
    { kernel, count: 'position', times: tileColumns * positions },
    { kernel, count: 'vector', times: batch * vectors * weights },
    { kernel, count: 'store', times: batch * vectors * rows * blocks },
    {
      kernel,
      count: 'column',
      times: group === 'dense' && kind !== 'vector' ? batch * Math.ceil(vectors / 2) * columns : 0,
    },
    { kernel: 'memory', count: 'weight', times: bytes * (bytes > cacheBytes ? tileColumns : 1) },
  ];
}

/** The work of a convolution by Winograd's tiles, `band` rows of tiles at a time. */
export function winogradWork(
  kernel: KernelName,
  {
    rows,
    columns,
    tile,
    batch,
    height,
    width,
    band,
  }: Omit<WinogradShape, 'xWidth'> & Record<'batch' | 'height' | 'band', number>,
  { cacheBytes, wideTiles }: Core,
): OperationCounts {
  const panel = wideTiles ? tiles.gemm['8x6'].rows : tiles.gemm['8x4'].rows;
  const points = (tile + 2) ** 2;
  const across = Math.ceil(width / tile);
  const down = Math.ceil(height / tile);
  const bands = Math.ceil(down / band);
  const last = down - (bands - 1) * band;
  const vectors = batch * ((bands - 1) * Math.ceil((band * across) / 4) + Math.ceil((last * across) / 4));
  const bytes = winogradBytes(rows, columns, panel, tile);
  return [
    { kernel, count: 'group', times: (points * vectors * Math.ceil(rows / panel)) / 2 },
    { kernel, count: 'vector', times: points * vectors * panel * Math.ceil(rows / panel) * columns },
    { kernel, count: 'input', times: points * vectors * columns },
    { kernel, count: 'output', times: points * vectors * rows },
    { kernel: 'memory', count: 'weight', times: bytes * (bytes > cacheBytes ? batch * bands : 1) },
  ];
}
