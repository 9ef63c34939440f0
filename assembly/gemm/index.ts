// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W dense.
//
//   weights    bias0 bias1 bias2 bias3 | w0 w1 w2 w3 | w0 w1 w2 w3 | …      per 4 rows: biases, then 4 weights per column
//   taps       offset offset …                                             per column: bytes from x to its plane
//
// The last group of rows is filled up with zeros. `offset` may be shifted by rows and columns of a padded copy (k×k).
// The loop over tiles of pixels is outside, the loop over rows inside: each tile is packed once, then weights stream
// past it.
import { MatrixRecord } from '../generated/records';
import { product } from './planes';

export { f32_matmul } from './matmul';
export { f32_conv_gemm_24x2, f32_gemm_24x2 } from './wide';

export function f32_gemm_8x4(r: MatrixRecord): void {
  product(r, 1, r.height * r.width);
}

export function f32_conv_gemm_8x4(r: MatrixRecord): void {
  product(r, r.height, r.width);
}
