// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W dense.
//
//   weights    bias0 bias1 bias2 bias3 | w0 w1 w2 w3 | w0 w1 w2 w3 | …      per 4 rows: biases, then 4 weights a column
//   taps       offset offset …                                             per column: bytes from x to its plane
//
// The last group of rows is filled up with zeros. `offset` may be shifted by rows and columns of a padded copy (k×k).
import { flat_x4, shifted_x4 } from '../generated/gemm-tiles';
import { GemmRecord } from '../generated/records';

export function f32_gemm_8x4(r: GemmRecord): void {
  flat_x4(r, (r.height * r.width + 3) / 4);
}

export function f32_conv_gemm_8x4(r: GemmRecord): void {
  shifted_x4(r, ((r.height - 1) * r.rowPixels + r.width + 3) / 4);
}
