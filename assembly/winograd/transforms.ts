// The two-dimensional transforms of Winograd's convolutions, first down the columns of tiles, then across their rows. Four tiles
// at a time, one in each lane.
//
//   F(4, 3), points 0, ±√½, ±√2, ∞     v = Bᵀ d: 6 inputs → 6 numbers, o = Aᵀ m: 6 products → 4 outputs
//   F(2, 3), points 0, ±1, ∞           v = Bᵀ d: 4 inputs → 4 numbers, o = Aᵀ m: 4 products → 2 outputs
//
// With these points F(4, 3) has a third of the error that the usual points 0, ±1, ±2, ∞ give it. `v` and `m` are stored with
// `point` bytes from one of their 6×6 (4×4) numbers to the next.
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, 2015.
import { madd, nmadd } from '../madd';

/**
 * Bytes to tile t of a band, whose tiles are counted from left to right, row by row; `most` for lanes beyond the last tile.
 */
// @ts-ignore: decorator
@inline
function place(t: u32, across: u32, tileBytes: usize, rowBytes: usize, most: usize): usize {
  const row = t / across;
  return min(row * rowBytes + (t - row * across) * tileBytes, most);
}

/** Loaded from memory once per loop: engines make a constant anew wherever it is used. */
const factors = memory.data<f32>([0.5, 0.70710678, 1.41421356, 2, 2.5, 0.35355339, 2.82842712]);

// @ts-ignore: decorator
@inline
function forward4(
  d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128,
  half: v128, rootHalf: v128, rootTwo: v128, two: v128, sum: v128,
  to: usize, step: usize,
): void {
  const c = nmadd(two, d2, d4);
  const e = nmadd(two, d1, d3);
  const g = nmadd(half, d2, d4);
  const h = nmadd(half, d1, d3);
  v128.store(to, f32x4.add(d0, nmadd(sum, d2, d4)));
  v128.store(to + step, madd(rootHalf, e, c));
  v128.store(to + 2 * step, nmadd(rootHalf, e, c));
  v128.store(to + 3 * step, madd(rootTwo, h, g));
  v128.store(to + 4 * step, nmadd(rootTwo, h, g));
  v128.store(to + 5 * step, f32x4.add(d1, nmadd(sum, d3, d5)));
}

// @ts-ignore: decorator
@inline
function forward2(d0: v128, d1: v128, d2: v128, d3: v128, to: usize, step: usize): void {
  v128.store(to, f32x4.sub(d0, d2));
  v128.store(to + step, f32x4.add(d1, d2));
  v128.store(to + 2 * step, f32x4.sub(d2, d1));
  v128.store(to + 3 * step, f32x4.sub(d1, d3));
}

/** Six rows of a plane, `bytes` long → six rows at `to`, `step` bytes apart. */
export function down4(
  p0: usize, p1: usize, p2: usize, p3: usize, p4: usize, p5: usize,
  bytes: usize, to: usize, step: usize,
): void {
  const half = v128.load32_splat(factors, 0);
  const rootHalf = v128.load32_splat(factors, 4);
  const rootTwo = v128.load32_splat(factors, 8);
  const two = v128.load32_splat(factors, 12);
  const sum = v128.load32_splat(factors, 16);
  for (let i: usize = 0; i < bytes; i += 16) {
    forward4(
      v128.load(p0 + i), v128.load(p1 + i), v128.load(p2 + i), v128.load(p3 + i), v128.load(p4 + i), v128.load(p5 + i),
      half, rootHalf, rootTwo, two, sum, to + i, step,
    );
  }
}

/** The same with four rows. */
export function down2(p0: usize, p1: usize, p2: usize, p3: usize, bytes: usize, to: usize, step: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    forward2(v128.load(p0 + i), v128.load(p1 + i), v128.load(p2 + i), v128.load(p3 + i), to + i, step);
  }
}

/**
 * Bytes to column c of vector i in the packed tiles of `vectors`: two vectors side by side, as tiles of dense products read them;
 * the last may be alone.
 */
// @ts-ignore: decorator
@inline
function vectorAt(i: u32, vectors: u32, c: u32, columns: u32): usize {
  const step = i + 1 == vectors && (i & 1) == 0 ? 16 : 32;
  return 16 * columns * (i & ~1) + 16 * (i & 1) + step * c;
}

/** Lines of all tiles → column c of v. `last`: bytes to the last tile. */
export function across4(
  lines: usize, line: usize, across: u32, vectors: u32, last: usize, c: u32, columns: u32, v: usize, point: usize,
): void {
  const half = v128.load32_splat(factors, 0);
  const rootHalf = v128.load32_splat(factors, 4);
  const rootTwo = v128.load32_splat(factors, 8);
  const two = v128.load32_splat(factors, 12);
  const sum = v128.load32_splat(factors, 16);
  const rowBytes = 6 * line;
  for (let i: u32 = 0; i < vectors; i++) {
    let to = v + vectorAt(i, vectors, c, columns);
    const t = 4 * i;
    const p0 = place(t, across, 16, rowBytes, last);
    const p1 = place(t + 1, across, 16, rowBytes, last);
    const p2 = place(t + 2, across, 16, rowBytes, last);
    const p3 = place(t + 3, across, 16, rowBytes, last);
    let row = lines;
    for (let k = 0; k < 6; k++) {
      const q0 = v128.load(row + p0);
      const q1 = v128.load(row + p1);
      const q2 = v128.load(row + p2);
      const q3 = v128.load(row + p3);
      const even = i32x4.shuffle(q0, q1, 0, 4, 1, 5);
      const odd = i32x4.shuffle(q2, q3, 0, 4, 1, 5);
      const even2 = i32x4.shuffle(q0, q1, 2, 6, 3, 7);
      const odd2 = i32x4.shuffle(q2, q3, 2, 6, 3, 7);
      const next = i32x4.shuffle(v128.load(row + p0, 16), v128.load(row + p1, 16), 0, 4, 1, 5);
      const next2 = i32x4.shuffle(v128.load(row + p2, 16), v128.load(row + p3, 16), 0, 4, 1, 5);
      forward4(
        i32x4.shuffle(even, odd, 0, 1, 4, 5), i32x4.shuffle(even, odd, 2, 3, 6, 7),
        i32x4.shuffle(even2, odd2, 0, 1, 4, 5), i32x4.shuffle(even2, odd2, 2, 3, 6, 7),
        i32x4.shuffle(next, next2, 0, 1, 4, 5), i32x4.shuffle(next, next2, 2, 3, 6, 7),
        half, rootHalf, rootTwo, two, sum, to, point,
      );
      to += 6 * point;
      row += line;
    }
  }
}

/** The same for tiles of four rows. */
export function across2(
  lines: usize, line: usize, across: u32, vectors: u32, last: usize, c: u32, columns: u32, v: usize, point: usize,
): void {
  const rowBytes = 4 * line;
  for (let i: u32 = 0; i < vectors; i++) {
    let to = v + vectorAt(i, vectors, c, columns);
    const t = 4 * i;
    const p0 = place(t, across, 8, rowBytes, last);
    const p1 = place(t + 1, across, 8, rowBytes, last);
    const p2 = place(t + 2, across, 8, rowBytes, last);
    const p3 = place(t + 3, across, 8, rowBytes, last);
    let row = lines;
    for (let k = 0; k < 4; k++) {
      const q0 = v128.load(row + p0);
      const q1 = v128.load(row + p1);
      const q2 = v128.load(row + p2);
      const q3 = v128.load(row + p3);
      const even = i32x4.shuffle(q0, q1, 0, 4, 1, 5);
      const odd = i32x4.shuffle(q2, q3, 0, 4, 1, 5);
      const even2 = i32x4.shuffle(q0, q1, 2, 6, 3, 7);
      const odd2 = i32x4.shuffle(q2, q3, 2, 6, 3, 7);
      forward2(
        i32x4.shuffle(even, odd, 0, 1, 4, 5), i32x4.shuffle(even, odd, 2, 3, 6, 7),
        i32x4.shuffle(even2, odd2, 0, 1, 4, 5), i32x4.shuffle(even2, odd2, 2, 3, 6, 7),
        to, point,
      );
      to += 4 * point;
      row += line;
    }
  }
}

/**
 * m of one row of weights → outputs of all tiles at `y`, in rows of `yRow` bytes; `end`: bytes behind all rows. `half`: 24 vectors of
 * scratch.
 */
export function back4(
  m: usize, point: usize, across: u32, vectors: u32, y: usize, yRow: usize, end: usize, half: usize,
): void {
  const rootHalf = v128.load32_splat(factors, 4);
  const rootTwo = v128.load32_splat(factors, 8);
  const two = v128.load32_splat(factors, 12);
  const cubeHalf = v128.load32_splat(factors, 20);
  const cubeTwo = v128.load32_splat(factors, 24);
  const squareHalf = v128.load32_splat(factors, 0);
  const line = 6 * point;
  for (let t: u32 = 0; t < 4 * vectors; t += 4) {
    let p = m;
    for (let k = half; k < half + 96; k += 16) {
      const m1 = v128.load(p + line);
      const m2 = v128.load(p + 2 * line);
      const m3 = v128.load(p + 3 * line);
      const m4 = v128.load(p + 4 * line);
      const s = f32x4.add(m1, m2);
      const d = f32x4.sub(m1, m2);
      const t = f32x4.add(m3, m4);
      const u = f32x4.sub(m3, m4);
      v128.store(k, f32x4.add(f32x4.add(v128.load(p), s), t));
      v128.store(k, madd(rootTwo, u, f32x4.mul(rootHalf, d)), 96);
      v128.store(k, madd(two, t, f32x4.mul(squareHalf, s)), 192);
      v128.store(k, madd(cubeTwo, u, madd(cubeHalf, d, v128.load(p + 5 * line))), 288);
      p += point;
    }
    m += 16;
    const y0 = y + place(t, across, 16, 4 * yRow, end);
    const y1 = y + place(t + 1, across, 16, 4 * yRow, end);
    const y2 = y + place(t + 2, across, 16, 4 * yRow, end);
    const y3 = y + place(t + 3, across, 16, 4 * yRow, end);
    let row: usize = 0;
    for (let k = half; k < half + 384; k += 96) {
      const m1 = v128.load(k, 16);
      const m2 = v128.load(k, 32);
      const m3 = v128.load(k, 48);
      const m4 = v128.load(k, 64);
      const s = f32x4.add(m1, m2);
      const d = f32x4.sub(m1, m2);
      const t = f32x4.add(m3, m4);
      const u = f32x4.sub(m3, m4);
      const o0 = f32x4.add(f32x4.add(v128.load(k), s), t);
      const o1 = madd(rootTwo, u, f32x4.mul(rootHalf, d));
      const o2 = madd(two, t, f32x4.mul(squareHalf, s));
      const o3 = madd(cubeTwo, u, madd(cubeHalf, d, v128.load(k, 80)));
      const even = i32x4.shuffle(o0, o1, 0, 4, 1, 5);
      const odd = i32x4.shuffle(o2, o3, 0, 4, 1, 5);
      const even2 = i32x4.shuffle(o0, o1, 2, 6, 3, 7);
      const odd2 = i32x4.shuffle(o2, o3, 2, 6, 3, 7);
      v128.store(y0 + row, i32x4.shuffle(even, odd, 0, 1, 4, 5));
      v128.store(y1 + row, i32x4.shuffle(even, odd, 2, 3, 6, 7));
      v128.store(y2 + row, i32x4.shuffle(even2, odd2, 0, 1, 4, 5));
      v128.store(y3 + row, i32x4.shuffle(even2, odd2, 2, 3, 6, 7));
      row += yRow;
    }
  }
}

/** The same for 2×2 outputs; 8 vectors of scratch. */
export function back2(
  m: usize, point: usize, across: u32, vectors: u32, y: usize, yRow: usize, end: usize, half: usize,
): void {
  const line = 4 * point;
  for (let t: u32 = 0; t < 4 * vectors; t += 4) {
    let p = m;
    for (let k = half; k < half + 64; k += 16) {
      const m1 = v128.load(p + line);
      const m2 = v128.load(p + 2 * line);
      v128.store(k, f32x4.add(f32x4.add(v128.load(p), m1), m2));
      v128.store(k, f32x4.sub(f32x4.sub(m1, m2), v128.load(p + 3 * line)), 64);
      p += point;
    }
    m += 16;
    const y0 = y + place(t, across, 8, 2 * yRow, end);
    const y1 = y + place(t + 1, across, 8, 2 * yRow, end);
    const y2 = y + place(t + 2, across, 8, 2 * yRow, end);
    const y3 = y + place(t + 3, across, 8, 2 * yRow, end);
    let row: usize = 0;
    for (let k = half; k < half + 128; k += 64) {
      const m1 = v128.load(k, 16);
      const m2 = v128.load(k, 32);
      const o0 = f32x4.add(f32x4.add(v128.load(k), m1), m2);
      const o1 = f32x4.sub(f32x4.sub(m1, m2), v128.load(k, 48));
      const first = i32x4.shuffle(o0, o1, 0, 4, 1, 5);
      const last = i32x4.shuffle(o0, o1, 2, 6, 3, 7);
      v128.store64_lane(y0 + row, first, 0);
      v128.store64_lane(y1 + row, first, 1);
      v128.store64_lane(y2 + row, last, 0);
      v128.store64_lane(y3 + row, last, 1);
      row += yRow;
    }
  }
}
