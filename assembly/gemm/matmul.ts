// y (…, rows, columns) = a (…, rows, inner) · b (…, inner, columns), all of them computed.
//
//   scratch    a tile of b | a tile of y | panels of a, as assembly/gemm/index.ts draws weights, biases zero
//
// Blocks of rows of `a` outside, tiles of columns of `b` inside: both are packed here, then the tiles of f32_gemm_8x4 do the
// rest. A tile of y that hangs over the last column goes to scratch first: what lies behind may be another row.
import { storeLanes, transpose } from '../copy/transpose';
import { tile_4x4, tile_8x4 } from '../generated/gemm-tiles';
import { MatmulRecord } from '../generated/records';

export function f32_matmul(r: MatmulRecord): void {
  for (let i: u32 = 0; i < r.batch0; i++) {
    for (let j: u32 = 0; j < r.batch1; j++) {
      const a = r.a + i * r.aBatch0 + j * r.aBatch1;
      const b = r.b + i * r.bBatch0 + j * r.bBatch1;
      const y = r.y + i * r.yBatch0 + j * r.yBatch1;
      for (let row: u32 = 0; row < r.rows; row += r.blockRows) {
        block(r, a + row * r.aRow, b, y + row * r.yRow, min(r.blockRows, r.rows - row));
      }
    }
  }
}

/** y (rows, columns) = a (rows, inner) · b (inner, columns) */
function block(r: MatmulRecord, a: usize, b: usize, y: usize, rows: u32): void {
  const x = r.scratch;
  const inner = r.inner;
  const lo = f32x4.splat(-Infinity);
  const hi = f32x4.splat(Infinity);
  const edge = x + 32 * inner;
  const weights = edge + 32 * r.blockRows;
  packRows(r, a, rows, weights);
  for (let left = r.columns; left != 0; ) {
    const wide = left > 4;
    const columns = min<u32>(left, 8);
    packColumns(r, b, columns, x);
    const whole = (columns & 3) == 0;
    const to = whole ? y : edge;
    const plane: u32 = whole ? r.yRow : 32;
    if (wide) tile_8x4(x, inner, weights, to, 0, 16, rows, plane, lo, hi, false, 0);
    else tile_4x4(x, inner, weights, to, 0, rows, plane, lo, hi, false, 0);
    if (!whole) {
      let q = y;
      for (let p = edge, end = edge + 32 * rows; p < end; p += 32) {
        if (wide) v128.store(q, v128.load(p));
        storeLanes(q + (wide ? 16 : 0), v128.load(p + (wide ? 16 : 0)), columns & 3);
        q += r.yRow;
      }
    }
    b += columns * r.bColumn;
    y += 4 * columns;
    left -= columns;
  }
}

/** Panels of 4 rows, each behind zeros for its biases. What lies behind the last row is anything. */
function packRows(r: MatmulRecord, a: usize, rows: u32, to: usize): void {
  const inner = r.inner;
  for (let row: u32 = 0; row < rows; row += 4) {
    v128.store(to, f32x4.splat(0));
    if (r.aInner == 4) transpose(a, to + 16, inner, min<u32>(rows - row, 4), r.aRow, 16);
    else packVectors(a, r.aInner, inner, 1, to + 16);
    a += 4 * r.aRow;
    to += 16 * (inner + 1);
  }
}

/** Up to 8 columns side by side, up to 4 in tiles half as wide. */
function packColumns(r: MatmulRecord, b: usize, columns: u32, to: usize): void {
  if (r.bColumn == 4) packVectors(b, r.bInner, r.inner, columns > 4 ? 2 : 1, to);
  else transpose(b, to, r.inner, columns, r.bColumn, columns > 4 ? 32 : 16);
}

/** `count` times one vector or two, `stride` bytes from one time to the next. */
function packVectors(x: usize, stride: usize, count: u32, vectors: u32, to: usize): void {
  for (; count != 0; count--) {
    v128.store(to, v128.load(x));
    if (vectors > 1) v128.store(to, v128.load(x, 16), 16);
    x += stride;
    to += 16 * vectors;
  }
}
