// y (rows, height, width) = act(W (rows, columns, 3, 3) ∗ x (columns, xHeight, xWidth) + bias + residual), W dense, stride 1, by
// tiles of f×f outputs: with n = f + 2, n² products for f² outputs in place of 9·f².
//
//   weights    bias …                                             a bias per row, the last group of rows filled up with zeros
//              0 0 0 0 | u0 u1 u2 u3 | u0 u1 u2 u3 | …            G·w·Gᵀ: at each of n² points a dense matrix as
//              …                                                  assembly/gemm/index.ts draws it, without biases
//
// A band of rows of tiles at a time: all columns are transformed into packed tiles v, n² dense products give m, and each row
// of m is transformed into outputs.
//
//   scratch    a row of zeros | 24 vectors | outputs of a band | n lines for each row of tiles | v | m
import { activatePlanes } from '../elementwise/planes';
import { storeLanes } from '../copy/transpose';
import { tile_4x4, tile_4x6, tile_8x4, tile_8x6 } from '../generated/gemm-tiles';
import { WinogradRecord } from '../generated/records';
import { across2, across4, back2, back4, down2, down4 } from './transforms';

export function f32_winograd_8x4(r: WinogradRecord): void {
  convolve(r, 4);
}

export function f32_winograd_8x6(r: WinogradRecord): void {
  convolve(r, 6);
}

/** `panel`: rows of a group of weights. */
function convolve(r: WinogradRecord, panel: u32): void {
  const f = r.tile;
  const n = f + 2;
  const across = (r.width + f - 1) / f;
  const down = (r.height + f - 1) / f;
  const band = min(r.band, down);
  const columns = r.columns;
  // a row of tiles reads two pixels beyond its last, and loads more
  const line: usize = 4 * (((r.width + 3) & ~3) + 12);
  const inputBytes = n * line;
  const outputBytes: usize = 4 * f * across;
  const zeros = r.scratch;
  const half = zeros + 4 * ((r.xWidth + 7) & ~3);
  const outputs = half + 384;
  const lines = outputs + (band + 1) * f * outputBytes;
  const v = (lines + band * inputBytes + 63) & ~63;
  memory.fill(zeros, 0, 4 * ((r.xWidth + 7) & ~3));
  for (let image: u32 = 0; image < r.batch; image++) {
    const x = r.x + image * r.xBatch;
    const y = r.y + image * r.yBatch;
    for (let first: u32 = 0; first < down; first += band) {
      const rows = min(band, down - first);
      const vectors = (rows * across + 3) / 4;
      const last = (rows - 1) * inputBytes + 4 * f * (across - 1);
      const end = rows * f * outputBytes;
      // 64 bytes more: otherwise all points of a tile would fall into one set of the L1 cache
      const vPoint: usize = 16 * vectors * columns + 64;
      const mPoint: usize = 16 * vectors * r.rowCount + 64;
      const m = v + n * n * vPoint;
      for (let c: u32 = 0; c < columns; c++) {
        transformRows(r, x + c * r.xPlane, first * f, rows, zeros, lines, line);
        if (f == 4) across4(lines, line, across, vectors, last, c, columns, v, vPoint);
        else across2(lines, line, across, vectors, last, c, columns, v, vPoint);
      }
      products(r, panel, n * n, vectors, v, vPoint, m, mPoint);
      for (let row: u32 = 0; row < r.rowCount; row++) {
        const p = m + 16 * vectors * row;
        if (f == 4) back4(p, mPoint, across, vectors, outputs, outputBytes, end, half);
        else back2(p, mPoint, across, vectors, outputs, outputBytes, end, half);
        finish(r, y + row * r.yPlane, row, first * f, min(rows * f, r.height - first * f), outputs, outputBytes);
      }
      if (r.activation != 0) {
        const count = min(rows * f, r.height - first * f) * r.width;
        activatePlanes(y + 4 * first * f * r.width, count, r.rowCount, r.yPlane, r.activation, r.alpha, r.beta, r.residual);
      }
    }
  }
}

/** Transforms a plane down the columns of a band's tiles, with zeros around it. `top`: the first row of outputs. */
function transformRows(r: WinogradRecord, x: usize, top: u32, rows: u32, zeros: usize, lines: usize, line: usize): void {
  const bytes: usize = 4 * r.xWidth;
  const left: usize = 4 * r.left;
  const f = r.tile;
  const n = f + 2;
  // rows above the plane wrap around, and are no rows of it either
  let at = r.firstRow + top - r.top;
  for (; rows != 0; rows--) {
    for (let i: u32 = 0; i < n; i++) {
      const to = lines + i * line;
      v128.store(to, f32x4.splat(0));
    }
    const to = lines + left;
    const p0 = rowOf(r, x, at, zeros);
    const p1 = rowOf(r, x, at + 1, zeros);
    const p2 = rowOf(r, x, at + 2, zeros);
    const p3 = rowOf(r, x, at + 3, zeros);
    if (f == 4) down4(p0, p1, p2, p3, rowOf(r, x, at + 4, zeros), rowOf(r, x, at + 5, zeros), bytes, to, line);
    else down2(p0, p1, p2, p3, bytes, to, line);
    for (let i: u32 = 0; i < n; i++) {
      v128.store(to + i * line + bytes, f32x4.splat(0));
      v128.store(to + i * line + bytes, f32x4.splat(0), 16);
    }
    lines += n * line;
    at += f;
  }
}

// @ts-ignore: decorator
@inline
function rowOf(r: WinogradRecord, x: usize, row: u32, zeros: usize): usize {
  return row < r.xHeight ? x + 4 * row * r.xWidth : zeros;
}

/** m = u · v at each point. */
function products(
  r: WinogradRecord, panel: u32, points: u32, vectors: u32, v: usize, vPoint: usize, m: usize, mPoint: usize,
): void {
  const columns = r.columns;
  const rows = r.rowCount;
  const groups = (r.rows + panel - 1) / panel;
  const group: usize = 4 * panel * (columns + 1);
  const plane = 16 * vectors;
  const lo = f32x4.splat(-Infinity);
  const hi = f32x4.splat(Infinity);
  // each group of weights passes all tiles, unless the columns are too few for so many calls
  const step = columns < 32 ? rows : panel;
  let u = r.weights + 4 * panel * groups + (r.rowStart / panel) * group;
  for (; points != 0; points--) {
    for (let row: u32 = 0; row < rows; row += step) {
      const w = u + (row / panel) * group;
      const q = m + row * plane;
      const now = min(step, rows - row);
      for (let t: u32 = 0; t < vectors; t += 2) {
        const x = v + 16 * t * columns;
        const at = 16 * t;
        if (vectors - t > 1) {
          if (panel == 6) tile_8x6(x, 0, columns, w, q + at, now, plane, lo, hi, false, 0);
          else tile_8x4(x, columns, w, q, at, at + 16, now, plane, lo, hi, false, 0);
        } else if (panel == 6) tile_4x6(x, 0, columns, w, q + at, now, plane, lo, hi, false, 0);
        else tile_4x4(x, columns, w, q, at, now, plane, lo, hi, false, 0);
      }
    }
    u += groups * group;
    v += vPoint;
    m += mPoint;
  }
}

/** Rows of outputs → y, with the bias, the residual and the clamp. */
function finish(r: WinogradRecord, y: usize, row: u32, top: u32, rows: u32, from: usize, fromRow: usize): void {
  const bias = v128.load32_splat(r.weights + 4 * (r.rowStart + row));
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const add = r.add != 0;
  const delta = r.residual - r.y;
  const width = r.width;
  const bytes: usize = 4 * width;
  const whole = bytes & ~15;
  y += top * bytes;
  for (; rows != 0; rows--) {
    let i: usize = 0;
    for (; i < whole; i += 16) {
      let sum = f32x4.add(v128.load(from + i), bias);
      if (add) sum = f32x4.add(sum, v128.load(y + i + delta));
      v128.store(y + i, f32x4.pmin(f32x4.pmax(sum, lo), hi));
    }
    if (i < bytes) {
      let sum = f32x4.add(v128.load(from + i), bias);
      if (add) sum = f32x4.add(sum, v128.load(y + i + delta));
      storeLanes(y + i, f32x4.pmin(f32x4.pmax(sum, lo), hi), width & 3);
    }
    y += bytes;
    from += fromRow;
  }
}
