// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W dense.
//
//   weights    bias0 bias1 bias2 bias3 | w0 w1 w2 w3 | w0 w1 w2 w3 | …      per 4 rows: biases, then 4 weights a column
//   taps       offset offset …                                             per column: bytes from x to its plane
//
// The last group of rows is filled up with zeros. `offset` may be shifted by rows and columns of a padded copy (k×k).
// Over planes, tiles of pixels outside, rows inside: each tile is packed once, then weights stream past it.
import { activationBlock, activatePlanes } from '../elementwise/planes';
import { tile_4x4, tile_8x4 } from '../generated/gemm-tiles';
import { MatrixRecord } from '../generated/records';
import { packOne, packTwo } from '../matrix/pack';

export function f32_gemm_8x4(r: MatrixRecord): void {
  product(r, 1, r.height * r.width);
}

export function f32_conv_gemm_8x4(r: MatrixRecord): void {
  product(r, r.height, r.width);
}

/** All pixels of all images, two vectors at a time, tiles outside and rows inside. */
function product(r: MatrixRecord, height: u32, width: u32): void {
  for (let n: u32 = 0; n < r.batch; n++) image(r, r.x + n * r.xBatch, r.y + n * r.yBatch, height, width);
}

/** What a row's last vector spills, the next row's first one overwrites, or it is in the plane's padding. */
function image(r: MatrixRecord, x: usize, y: usize, height: u32, width: u32): void {
  const rowPixels = r.rowPixels;
  const scratch = r.scratch;
  const pixels = height * width;
  const worth = activationBlock(r.rows);
  let row: u32 = 0;
  let column: u32 = 0;
  let done: u32 = 0;
  while (row < height) {
    const x0 = x + 4 * (row * rowPixels + column);
    const o0 = 4 * (row * width + column);
    column += 4;
    if (column >= width) {
      column = 0;
      row++;
    }
    if (row < height) {
      const x1 = x + 4 * (row * rowPixels + column);
      const o1 = 4 * (row * width + column);
      column += 4;
      if (column >= width) {
        column = 0;
        row++;
      }
      packTwo(x0, x1, r.taps, r.columns, scratch);
      tile_8x4(scratch, r.weights, y, o0, o1, r.rows, r);
    } else {
      packOne(x0, r.taps, r.columns, scratch);
      tile_4x4(scratch, r.weights, y, o0, r.rows, r);
    }
    const finished = row < height ? row * width + column : pixels;
    if (r.activation != 0 && (finished == pixels || finished - done >= worth)) {
      activatePlanes(y + 4 * done, finished - done, r.rows, r.yPlane, r.activation, r.alpha, r.beta);
      done = finished;
    }
  }
}
