// y (batch, rows) = act(W (rows, columns) · x (batch, columns)): linear layers, one pixel per image.
//
// Dense f32 weights lie in panels of 28 rows (`gemm` constants with that panel), so that weights are read as one
// stream:
//
//   weights    28 biases | 28 weights of column 0 | 28 weights of column 1 | …        the next panel …
//
// The last panel is filled up with zeros.
//
// Sparse f32 weights, in groups of one or four rows that share positions:
//
//   weights    bytes | bias0 … | offset w0 … | offset w0 … |     per group: the bytes of its entries, a bias per row, then per
//              bytes | bias0 … | offset w0 … | …                 position the input's offset in bytes and a weight per row
//
// quantised.ts draws quantised weights.
import { activateRow } from '../elementwise/activate';
import { LinearRecord } from '../generated/records';
import { madd } from '../madd';

export { f32_linear_dense } from './dense';
export { i16_linear_input, i4_linear, i8_linear } from './quantised';

/** One row: inputs are gathered four at a time into a vector's lanes. Returns the entry after the row. */
function row(x: usize, e: usize, y: usize): usize {
  const end = e + 8 + load<u32>(e);
  let sum = load<f32>(e, 4);
  let a = f32x4.splat(0);
  for (e += 8; e + 24 < end; e += 32) {
    let v = v128.load32_zero(x + load<u32>(e));
    v = v128.load32_lane(x + load<u32>(e, 8), v, 1);
    v = v128.load32_lane(x + load<u32>(e, 16), v, 2);
    v = v128.load32_lane(x + load<u32>(e, 24), v, 3);
    a = madd(v128.shuffle<f32>(v128.load(e), v128.load(e, 16), 1, 3, 5, 7), v, a);
  }
  for (; e < end; e += 8) sum += load<f32>(e, 4) * load<f32>(x + load<u32>(e));
  sum += f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
  store<f32>(y, sum);
  return end;
}

/** Unstructured. */
export function f32_linear_sparse(r: LinearRecord): void {
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const y = r.y + n * r.yBatch;
    let e = r.weights;
    for (let i: u32 = 0; i < r.rows; i++) e = row(x, e, y + 4 * i);
    activateRow(y, y, r.rows, r.min, r.max, r.activation, r.alpha, r.beta);
  }
}

/** Groups of four rows share positions: each row is one lane. */
export function f32_linear_sparse_4(r: LinearRecord): void {
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    let y = r.y + n * r.yBatch;
    let e = r.weights;
    for (let i = r.rows / 4; i != 0; i--) {
      const end = e + 20 + load<u32>(e);
      let a = v128.load(e, 4);
      let b = f32x4.splat(0);
      for (e += 20; e + 20 < end; e += 40) {
        a = madd(v128.load(e, 4), v128.load32_splat(x + load<u32>(e)), a);
        b = madd(v128.load(e, 24), v128.load32_splat(x + load<u32>(e, 20)), b);
      }
      if (e < end) a = madd(v128.load(e, 4), v128.load32_splat(x + load<u32>(e)), a);
      e = end;
      v128.store(y, f32x4.add(a, b));
      y += 16;
    }
    for (let i = r.rows % 4; i != 0; i--) {
      e = row(x, e, y);
      y += 4;
    }
    y -= 4 * r.rows;
    activateRow(y, y, r.rows, r.min, r.max, r.activation, r.alpha, r.beta);
  }
}
