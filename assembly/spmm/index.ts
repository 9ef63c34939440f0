// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W sparse: groups of 1, 2 or 4 rows share positions.
//
//   weights    groups | flags |                                          a section: rows in one block of columns
//                bytes + 65536 · row | bias0 … | offset w0 … | offset w0 … |     per group of rows: the bytes of its
//                bytes + 65536 · row | bias0 … | offset w0 … | …                 positions, its first row, a bias per row; per
//              groups | flags |                                                  position the input's offset, a weight per row
//                …
//
// Flags: 1 adds to the sums of the blocks before, 2 is the last block of its rows, 4 · rows of a group. `row` counts from the
// section's first. `offset` is in bytes from the start of the input, so a position may be a plane (pointwise) or a plane
// shifted by rows and columns of a padded copy (k×k).
//
// Groups are sorted by their number of positions: a loop that ends where it did for the group before is predicted. A block has
// so many columns that a tile of them stays in the L1 cache. All blocks of some rows follow each other; rows beyond a multiple
// of the group are sections of single rows behind them; then follow the rows of the next thread. One pointer moves, and no
// address depends on an earlier load. The stream is the same for tiles of any width.
import { MatrixRecord } from '../generated/records';
import { flat_x1, flat_x2, flat_x4, shifted_x1, shifted_x2, shifted_x4 } from '../generated/spmm-tiles';
import { full16x2, full28x1, full52x1, full8x4, lineVectors } from '../generated/spmm-widths';

/** Networks' planes of so many pixels lie beyond the L2 cache: there, tiles of whole cache lines are faster than wider ones. */
const beyondCache: u32 = 3000;

/** Vectors of 4 pixels in an output plane. */
// @ts-ignore: decorator
@inline
function flatVectors(r: MatrixRecord): u32 {
  return (r.height * r.width + 3) / 4;
}

/** Vectors of 4 pixels in rows of `rowPixels`, excluding what lies beyond the last row's end. */
// @ts-ignore: decorator
@inline
function shiftedVectors(r: MatrixRecord): u32 {
  return ((r.height - 1) * r.rowPixels + r.width + 3) / 4;
}

export function f32_spmm_28x1(r: MatrixRecord): void {
  flat_x1(r, flatVectors(r), full28x1);
}

export function f32_spmm_52x1(r: MatrixRecord): void {
  flat_x1(r, flatVectors(r), r.height * r.width > beyondCache ? lineVectors : full52x1);
}

export function f32_spmm_16x2(r: MatrixRecord): void {
  flat_x2(r, flatVectors(r), full16x2);
}

export function f32_spmm_8x4(r: MatrixRecord): void {
  flat_x4(r, flatVectors(r), full8x4);
}

export function f32_conv_spmm_28x1(r: MatrixRecord): void {
  shifted_x1(r, shiftedVectors(r), full28x1);
}

export function f32_conv_spmm_52x1(r: MatrixRecord): void {
  shifted_x1(r, shiftedVectors(r), full52x1);
}

export function f32_conv_spmm_16x2(r: MatrixRecord): void {
  shifted_x2(r, shiftedVectors(r), full16x2);
}

export function f32_conv_spmm_8x4(r: MatrixRecord): void {
  shifted_x4(r, shiftedVectors(r), full8x4);
}
