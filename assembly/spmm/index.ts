// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W sparse: groups of 1, 2 or 4 rows share positions.
//
//   weights    bytes | bias0 … | offset w0 … | offset w0 … |     per group of rows: the bytes of its entries, a bias per row,
//              bytes | bias0 … | offset w0 … | …                 then per position the input's offset and a weight per row
//
// `offset` is in bytes from the start of the input, so a position may be a plane (pointwise) or a plane shifted by rows
// and columns of a padded copy (k×k). Rows beyond a multiple of the group are groups of one. Entries are one stream:
// one pointer moves, and no address depends on an earlier load. Where many rows read each column, a tile of all columns
// is packed first; then offsets are into the scratch.
import { MatrixRecord } from '../generated/records';
import { flat_x1, flat_x2, flat_x4, shifted_x1, shifted_x2, shifted_x4 } from '../generated/spmm-tiles';

/** Vectors of 4 pixels in an output plane. */
// @ts-ignore: decorator
@inline
function flatVectors(r: MatrixRecord): u32 {
  return (r.height * r.width + 3) / 4;
}

/**
 * Vectors of 4 pixels in rows of `rowPixels`, excluding what lies beyond the last row's end; packed rows have no gaps.
 */
// @ts-ignore: decorator
@inline
function shiftedVectors(r: MatrixRecord): u32 {
  const rowPixels = r.packed != 0 ? (r.width + 3) & ~3 : r.rowPixels;
  return ((r.height - 1) * rowPixels + r.width + 3) / 4;
}

/** Seven accumulators: the maximum that V8 11.3 keeps in registers besides weight, clamp and temporaries. */
export function f32_spmm_28x1(r: MatrixRecord): void {
  flat_x1(r, flatVectors(r));
}

export function f32_spmm_16x2(r: MatrixRecord): void {
  flat_x2(r, flatVectors(r));
}

export function f32_spmm_8x4(r: MatrixRecord): void {
  flat_x4(r, flatVectors(r));
}

export function f32_conv_spmm_28x1(r: MatrixRecord): void {
  shifted_x1(r, shiftedVectors(r));
}

export function f32_conv_spmm_16x2(r: MatrixRecord): void {
  shifted_x2(r, shiftedVectors(r));
}

export function f32_conv_spmm_8x4(r: MatrixRecord): void {
  shifted_x4(r, shiftedVectors(r));
}
