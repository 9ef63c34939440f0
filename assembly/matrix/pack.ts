// A tile's pixels of every column, copied side by side: what all rows of weights read then lies densely in the L1 cache,
// aligned, whatever the stride of planes and the shift of a tap.

import { MatrixRecord } from '../generated/records';

/** `columns` × 2 vectors; x0, x1: where the vectors of column 0 lie, before its tap. */
export function packTwo(x0: usize, x1: usize, taps: usize, columns: u32, to: usize): void {
  for (const end = taps + 4 * columns; taps < end; taps += 4) {
    const tap = load<u32>(taps);
    v128.store(to, v128.load(x0 + tap));
    v128.store(to, v128.load(x1 + tap), 16);
    to += 32;
  }
}

/** `columns` × 1 vector. */
export function packOne(x: usize, taps: usize, columns: u32, to: usize): void {
  for (const end = taps + 4 * columns; taps < end; taps += 4) {
    v128.store(to, v128.load(x + load<u32>(taps)));
    to += 16;
  }
}

/** Columns × 7 vectors, where the first `vectors` matter and the others are the last of those again. */
function packSeven(
  r: MatrixRecord, x0: usize, x1: usize, x2: usize, x3: usize, x4: usize, x5: usize, x6: usize,
): void {
  let to = r.scratch;
  let taps = r.taps;
  for (const end = taps + 4 * r.columns; taps < end; taps += 4) {
    const tap = load<u32>(taps);
    v128.store(to, v128.load(x0 + tap));
    v128.store(to, v128.load(x1 + tap), 16);
    v128.store(to, v128.load(x2 + tap), 32);
    v128.store(to, v128.load(x3 + tap), 48);
    v128.store(to, v128.load(x4 + tap), 64);
    v128.store(to, v128.load(x5 + tap), 80);
    v128.store(to, v128.load(x6 + tap), 96);
    to += 112;
  }
}

/** `vectors` (1 to 7) that follow each other; x: where column 0 has the first, before its tap. */
export function packFlat(r: MatrixRecord, x: usize, vectors: u32): void {
  const last = 16 * (vectors - 1);
  packSeven(
    r, x, x + min(16, last), x + min(32, last), x + min(48, last), x + min(64, last), x + min(80, last), x + last,
  );
}

/** `vectors` (1 to 7) of rows of `wide` pixels, out of rows of `r.rowPixels`; x: where column 0 has pixel 0. */
export function packRows(r: MatrixRecord, x: usize, pixel: u32, wide: u32, vectors: u32): void {
  const last = pixel + 4 * (vectors - 1);
  packSeven(
    r,
    place(r, x, pixel, wide),
    place(r, x, min(pixel + 4, last), wide),
    place(r, x, min(pixel + 8, last), wide),
    place(r, x, min(pixel + 12, last), wide),
    place(r, x, min(pixel + 16, last), wide),
    place(r, x, min(pixel + 20, last), wide),
    place(r, x, last, wide),
  );
}

function place(r: MatrixRecord, x: usize, pixel: u32, wide: u32): usize {
  const row = pixel / wide;
  return x + 4 * (row * r.rowPixels + pixel - row * wide);
}
