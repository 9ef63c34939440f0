// y (rows, pixels) = act(W (rows, columns) · x (columns, pixels)), W dense.
//
//   weights    bias0 bias1 bias2 bias3 | w0 w1 w2 w3 | w0 w1 w2 w3 | …      per 4 rows: biases, then 4 weights a column
//   taps       offset offset …                                             per column: bytes from x to its plane
//
// The last group of rows is filled up with zeros. `offset` may be shifted by rows and columns of a padded copy (k×k).
import { activate } from '../elementwise/activate';
import { flat_x4, shifted_x4 } from '../generated/gemm-tiles';
import { GemmRecord } from '../generated/records';
import { madd } from '../madd';

export function f32_gemm_8x4(r: GemmRecord): void {
  flat_x4(r, (r.height * r.width + 3) / 4);
}

export function f32_conv_gemm_8x4(r: GemmRecord): void {
  shifted_x4(r, ((r.height - 1) * r.rowPixels + r.width + 3) / 4);
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
