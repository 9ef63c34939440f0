// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W sparse: groups of 1, 2 or 4 rows share positions.
//
//   weights    bytes | bias0 … | offset w0 … | offset w0 … |     per group of rows: the bytes of its entries, a bias a row,
//              bytes | bias0 … | offset w0 … | …                 then per position where the input lies and a weight a row
//
// `offset` is in bytes from the start of the input, so a position may be a plane (pointwise) or a plane shifted by rows and
// columns of a padded copy (k×k). Rows beyond a multiple of the group stand alone, as groups of one.
// Entries are one stream: one pointer moves, and the next address hangs on no earlier load.
// Where many rows read each column, a tile of all columns is packed first: offsets then are into the scratch.
import { activate } from '../elementwise/activate';
import { MatrixRecord, SpmmRecord } from '../generated/records';
import { flat_x1, flat_x2, flat_x4, shifted_x1, shifted_x2, shifted_x4 } from '../generated/spmm-tiles';
import { madd } from '../madd';

/** Vectors of 4 pixels in an output plane. */
// @ts-ignore: decorator
@inline
function flatVectors(r: MatrixRecord): u32 {
  return (r.height * r.width + 3) / 4;
}

/** Vectors of 4 pixels in rows of `rowPixels`, without what lies beyond the last row's end; packed rows have no gaps. */
// @ts-ignore: decorator
@inline
function shiftedVectors(r: MatrixRecord): u32 {
  const rowPixels = r.packed != 0 ? (r.width + 3) & ~3 : r.rowPixels;
  return ((r.height - 1) * rowPixels + r.width + 3) / 4;
}

/** Seven accumulators: the most that V8 11.3 keeps in registers beside weight, clamp and temporaries. */
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

/** One row at one pixel, two sums so that additions overlap. Returns the entry after the row. */
function row(x: usize, e: usize, y: usize, r: SpmmRecord): usize {
  const end = e + 8 + load<u32>(e);
  let a = load<f32>(e, 4);
  let b: f32 = 0;
  e += 8;
  for (; e + 8 < end; e += 16) {
    a += load<f32>(e, 4) * load<f32>(x + load<u32>(e));
    b += load<f32>(e, 12) * load<f32>(x + load<u32>(e, 8));
  }
  if (e < end) a += load<f32>(e, 4) * load<f32>(x + load<u32>(e));
  let v = f32x4.splat(a + b);
  v = f32x4.pmin(f32x4.pmax(v, f32x4.splat(r.min)), f32x4.splat(r.max));
  if (r.activation != 0) v = activate(v, r.activation, r.alpha, r.beta);
  store<f32>(y, f32x4.extract_lane(v, 0));
  return end;
}

/** x (columns) → y (rows): one pixel an image, unstructured. */
export function f32_spmm_1x1(r: SpmmRecord): void {
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const y = r.y + n * r.yBatch;
    let e = r.weights;
    for (let i: u32 = 0; i < r.rows; i++) e = row(x, e, y + 4 * i, r);
  }
}

/** x (columns) → y (rows): one pixel an image; four rows are the four lanes. */
export function f32_spmm_1x4(r: SpmmRecord): void {
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    let y = r.y + n * r.yBatch;
    let e = r.weights;
    for (let i = r.rows / 4; i != 0; i--) {
      const end = e + 20 + load<u32>(e);
      let a = v128.load(e, 4);
      let b = f32x4.splat(0);
      e += 20;
      for (; e + 20 < end; e += 40) {
        a = madd(v128.load(e, 4), v128.load32_splat(x + load<u32>(e)), a);
        b = madd(v128.load(e, 24), v128.load32_splat(x + load<u32>(e, 20)), b);
      }
      if (e < end) a = madd(v128.load(e, 4), v128.load32_splat(x + load<u32>(e)), a);
      e = end;
      a = f32x4.pmin(f32x4.pmax(f32x4.add(a, b), lo), hi);
      if (r.activation != 0) a = activate(a, r.activation, r.alpha, r.beta);
      v128.store(y, a);
      y += 16;
    }
    for (let i = r.rows % 4; i != 0; i--) {
      e = row(x, e, y, r);
      y += 4;
    }
  }
}
