// The tiles of the matrix kernels, y (rows, pixels) = W (rows, columns) · x (columns, pixels): how many rows and pixels of y
// a kernel sums at once. Names say pixels × rows.
//
// Tile widths are stated only here. They are read by:
//
//   scripts/generate.mjs       writes the kernels' loops from assembly/templates/
//   src/program/kernels/       checks what a record may touch, and divides it among threads
//   src/lower/                 predicts what a kernel costs, and packs its weights

/** Rows of sparse weights that share positions. */
export type Group = 1 | 2 | 4;

export interface Tile {
  /**
   * Rows (output channels). Sparse weights: rows that share positions. Dense weights: a panel, filled up with zeros.
   */
  readonly rows: number;
  /** Vectors of 4 pixels. The generated kernels have smaller tiles too, for the remaining pixels. */
  readonly vectors: number;
  /** Dense weights: rows of a panel, where a tile may have fewer. */
  readonly panel?: number;
}

export const tiles = {
  spmm: {
    // Seven accumulators are the maximum that V8 11.3 keeps in registers besides weight, clamp and temporaries
    '28x1': { rows: 1, vectors: 7 },
    // Multiply-adds have a latency of four cycles and run two a cycle: more than eight are in flight. Thirteen, a weight and a
    // temporary are the fifteen registers that V8 gives out since Turboshaft
    '52x1': { rows: 1, vectors: 13 },
    '16x2': { rows: 2, vectors: 4 },
    '8x4': { rows: 4, vectors: 2 },
  },
  gemm: {
    '8x4': { rows: 4, vectors: 2, panel: 4 },
    // Twelve accumulators, for engines that keep as many in registers; weights in panels of 6, of which 24x2 reads pairs
    '8x6': { rows: 6, vectors: 2, panel: 6 },
    '24x2': { rows: 2, vectors: 6, panel: 6 },
  },
  /** One pixel per image; the four lanes of a vector are rows. */
  linear: {
    dense: { rows: 28, vectors: 1 },
    sparse: { rows: 1, vectors: 1 },
    sparse_4: { rows: 4, vectors: 1 },
  },
  /** Sums of products of bytes in quads, where an entry is four inputs. */
  dots: {
    '12x4': { rows: 4, vectors: 3 },
    '24x2': { rows: 2, vectors: 6 },
    '52x1': { rows: 1, vectors: 13 },
  },
} as const satisfies Record<string, Record<string, Tile>>;

/** The tile whose inputs are packed first: a column's pixels are then contiguous. */
export const packedTiles = { dense: tiles.gemm['8x4'] } as const;

/**
 * Vectors of the tiles of single rows, of which 28x1 and 52x1 consist: more would make the wasm larger for little. `flat`
 * kernels read planes, `shifted` ones rows of padded copies.
 */
export const singleRowVectors = { flat: [1, 2, 3, 4, 5, 6, 7, 8, 10, 13], shifted: [1, 2, 3, 4, 5, 6, 7, 13] } as const;

/** Vectors of a wide tile that fills cache lines of 64 bytes, for planes beyond the L2 cache. */
export const lineVectors = 8;

/** Outputs of a tile along each axis, for Winograd's convolutions. */
export const winogradTiles = [2, 4] as const;
export type WinogradTile = (typeof winogradTiles)[number];

export const isWinogradTile = (tile: number): tile is WinogradTile =>
  (winogradTiles as readonly number[]).includes(tile);

export const pixelsOf = ({ vectors }: Tile): number => 4 * vectors;

/** Rows per panel of dense weights: for planes, and for vectors. */
export const panels = [tiles.gemm['8x4'].rows, tiles.linear.dense.rows] as const;
export type Panel = (typeof panels)[number];

export const isPanel = (rows: number): rows is Panel => (panels as readonly number[]).includes(rows);
