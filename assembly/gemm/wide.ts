// The dense kernels with twelve sums, for engines that keep as many in registers.
//
//   weights    bias0 … bias5 | w0 … w5 | w0 … w5 | …      per 6 rows: biases, then 6 weights per column; of these 24x2 reads pairs
//
// 24 pixels by two rows where planes are large: each tile of columns is packed once, and all weights pass it. 8 pixels by six rows
// where they are small: many tiles are packed, and each group of weights passes them all, so that large weights are read once.
// Shifted planes (k×k) are read as they lie, a row of pixels at a time.
import { activationBlock, activatePlanes } from '../elementwise/planes';
import { tile_24x2, tile_4x6, tile_8x6 } from '../generated/gemm-tiles';
import { MatrixRecord } from '../generated/records';
import { pack1, pack2, pack6 } from '../matrix/pack';

/** Shifted planes with more columns than these do not stay in an L1 cache together with their weights. */
const mostColumns: u32 = 144;

export function f32_gemm_24x2(r: MatrixRecord): void {
  for (let n: u32 = 0; n < r.batch; n++) {
    if (r.packed == 6) largePlanes(r, r.x + n * r.xBatch, r.y + n * r.yBatch);
    else smallPlanes(r, r.x + n * r.xBatch, r.y + n * r.yBatch);
  }
}

export function f32_conv_gemm_24x2(r: MatrixRecord): void {
  for (let n: u32 = 0; n < r.batch; n++) shiftedPlanes(r, r.x + n * r.xBatch, r.y + n * r.yBatch);
}

/** One tile of 6, 2 or 1 vectors, all rows. */
// @ts-ignore: decorator
@inline
function tile(r: MatrixRecord, x: usize, taps: usize, y: usize, vectors: u32): void {
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const add = r.add != 0;
  const delta = r.residual - r.y;
  if (vectors == 6) tile_24x2(x, taps, r.columns, r.weights, y, r.rows, r.yPlane, lo, hi, add, delta);
  else if (vectors == 2) tile_8x6(x, taps, r.columns, r.weights, y, r.rows, r.yPlane, lo, hi, add, delta);
  else tile_4x6(x, taps, r.columns, r.weights, y, r.rows, r.yPlane, lo, hi, add, delta);
}

/** Vectors of the next tile. */
// @ts-ignore: decorator
@inline
function next(left: u32, most: u32): u32 {
  return left >= most ? most : left >= 2 ? 2 : 1;
}

function largePlanes(r: MatrixRecord, x: usize, y: usize): void {
  const pixels = r.height * r.width;
  const worth = activationBlock(r.rows);
  let done: u32 = 0;
  for (let left = (pixels + 3) / 4, at: u32 = 0; left != 0; ) {
    const vectors = next(left, 6);
    const p = x + 4 * at;
    if (vectors == 6) pack6(p, r.taps, r.columns, r.scratch);
    else if (vectors == 2) pack2(p, p + 16, r.taps, r.columns, r.scratch);
    else pack1(p, r.taps, r.columns, r.scratch);
    tile(r, r.scratch, 0, y + 4 * at, vectors);
    at += 4 * vectors;
    left -= vectors;
    if (r.activation != 0 && (left == 0 || at - done >= worth)) {
      const finished = min(at, pixels);
      activatePlanes(y + 4 * done, finished - done, r.rows, r.yPlane, r.activation, r.alpha, r.beta, r.residual);
      done = finished;
    }
  }
}

function smallPlanes(r: MatrixRecord, x: usize, y: usize): void {
  const pixels = r.height * r.width;
  const columns = r.columns;
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const add = r.add != 0;
  const delta = r.residual - r.y;
  for (let left = (pixels + 3) / 4, at: u32 = 0; left != 0; ) {
    const vectors = min(left, r.packed);
    for (let v: u32 = 0; v < vectors; v += 2) {
      const p = x + 4 * at + 16 * v;
      const to = r.scratch + 16 * v * columns;
      if (vectors - v > 1) pack2(p, p + 16, r.taps, columns, to);
      else pack1(p, r.taps, columns, to);
    }
    let w = r.weights;
    let q = y + 4 * at;
    for (let rows = r.rows; rows != 0; ) {
      const now = min<u32>(rows, 6);
      for (let v: u32 = 0; v < vectors; v += 2) {
        const p = r.scratch + 16 * v * columns;
        if (vectors - v > 1) tile_8x6(p, 0, columns, w, q + 16 * v, now, r.yPlane, lo, hi, add, delta);
        else tile_4x6(p, 0, columns, w, q + 16 * v, now, r.yPlane, lo, hi, add, delta);
      }
      w += 24 * (columns + 1);
      q += 6 * r.yPlane;
      rows -= now;
    }
    const finished = min(4 * vectors, pixels - at);
    if (r.activation != 0) activatePlanes(y + 4 * at, finished, r.rows, r.yPlane, r.activation, r.alpha, r.beta, r.residual);
    at += 4 * vectors;
    left -= vectors;
  }
}

/** A row's last vector may spill: the next row overwrites that, or it lies in the plane's padding. */
function shiftedPlanes(r: MatrixRecord, x: usize, y: usize): void {
  const worth = activationBlock(r.rows);
  const most: u32 = r.columns > mostColumns ? 2 : 6;
  let done: u32 = 0;
  for (let row: u32 = 0; row < r.height; row++) {
    const from = x + 4 * row * r.rowPixels;
    const to = y + 4 * row * r.width;
    for (let left = (r.width + 3) / 4, at: usize = 0; left != 0; ) {
      const vectors = next(left, most);
      tile(r, from + at, r.taps, to + at, vectors);
      at += 16 * vectors;
      left -= vectors;
    }
    const rows = row + 1 - done;
    if (r.activation != 0 && (row + 1 == r.height || rows * r.width >= worth)) {
      const first = 4 * done * r.width;
      activatePlanes(y + first, rows * r.width, r.rows, r.yPlane, r.activation, r.alpha, r.beta, r.residual);
      done = row + 1;
    }
  }
}
