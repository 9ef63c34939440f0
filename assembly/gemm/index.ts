// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W dense.
//
//   weights    bias0 bias1 bias2 bias3 | w0 w1 w2 w3 | w0 w1 w2 w3 | …      per 4 rows: biases, then 4 weights a column
//   taps       offset offset …                                             per column: bytes from x to its plane
//
// The last group of rows is filled up with zeros. `offset` may be shifted by rows and columns of a padded copy (k×k).
// Over planes, tiles of pixels outside, rows inside: each tile is packed once, then weights stream past it.
import { activate } from '../elementwise/activate';
import { activationBlock, activatePlanes } from '../elementwise/planes';
import { tile_4x4, tile_8x4 } from '../generated/gemm-tiles';
import { GemmRecord, MatrixRecord } from '../generated/records';
import { madd } from '../madd';
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

/** Clamps, activates and stores up to four rows of a vector. */
function finish(v: v128, y: usize, rows: u32, r: GemmRecord): void {
  v = f32x4.pmin(f32x4.pmax(v, f32x4.splat(r.min)), f32x4.splat(r.max));
  if (r.activation != 0) v = activate(v, r.activation, r.alpha, r.beta);
  if (rows >= 4) {
    v128.store(y, v);
    return;
  }
  store<f32>(y, f32x4.extract_lane(v, 0));
  if (rows > 1) store<f32>(y, f32x4.extract_lane(v, 1), 4);
  if (rows > 2) store<f32>(y, f32x4.extract_lane(v, 2), 8);
}

/** x (columns) → y (rows), one pixel an image: lanes are rows, four groups of them at a time. */
export function f32_gemm_1x4(r: GemmRecord): void {
  const group = 16 + 16 * r.columns;
  const end = r.taps + 4 * r.columns;
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    let y = r.y + n * r.yBatch;
    let w = r.weights;
    let left = r.rows;
    for (; left >= 16; left -= 16) {
      let w1 = w + group;
      let w2 = w1 + group;
      let w3 = w2 + group;
      let a0 = v128.load(w);
      let a1 = v128.load(w1);
      let a2 = v128.load(w2);
      let a3 = v128.load(w3);
      for (let t = r.taps; t < end; t += 4) {
        const v = v128.load32_splat(x + load<u32>(t));
        a0 = madd(v128.load(w, 16), v, a0);
        a1 = madd(v128.load(w1, 16), v, a1);
        a2 = madd(v128.load(w2, 16), v, a2);
        a3 = madd(v128.load(w3, 16), v, a3);
        w += 16;
        w1 += 16;
        w2 += 16;
        w3 += 16;
      }
      w = w3 + 16;
      finish(a0, y, 4, r);
      finish(a1, y + 16, 4, r);
      finish(a2, y + 32, 4, r);
      finish(a3, y + 48, 4, r);
      y += 64;
    }
    while (left != 0) {
      let a = v128.load(w);
      w += 16;
      for (let t = r.taps; t < end; t += 4) {
        a = madd(v128.load(w), v128.load32_splat(x + load<u32>(t)), a);
        w += 16;
      }
      finish(a, y, left, r);
      y += 16;
      left -= min(left, 4);
    }
  }
}
