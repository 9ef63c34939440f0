/** Copies `rows` rows of `count` ≥ 4 floats; the last vector of a row overlaps the one before. */
// @ts-ignore: decorator
@inline
function copyRows(x: usize, xStep: usize, y: usize, yStep: usize, rows: u32, count: u32): void {
  const back: usize = 4 * count - 16;
  for (; rows != 0; rows--) {
    for (let i: usize = 0; i < back; i += 16) v128.store(y + i, v128.load(x + i));
    v128.store(y + back, v128.load(x + back));
    x += xStep;
    y += yStep;
  }
}

// @ts-ignore: decorator
@inline
function deal4(x: usize, y: usize, z: usize): void {
  const u = v128.load(x);
  const v = v128.load(x, 16);
  v128.store(y, i32x4.shuffle(u, v, 0, 2, 4, 6));
  v128.store(z, i32x4.shuffle(u, v, 1, 3, 5, 7));
}

/**
 * Distributes rows of 2 · count floats, count ≥ 4, alternately to y and z; the last vectors overlap the ones before.
 */
// @ts-ignore: decorator
@inline
function dealRows(x: usize, xStep: usize, y: usize, z: usize, yStep: usize, rows: u32, count: u32): void {
  const back: usize = 4 * count - 16;
  for (; rows != 0; rows--) {
    for (let i: usize = 0; i < back; i += 16) deal4(x + 2 * i, y + i, z + i);
    deal4(x + 2 * back, y + back, z + back);
    x += xStep;
    y += yStep;
    z += yStep;
  }
}

/** Copies `rows` rows of `count` floats that are `stride` apart in x. */
function pickRows(x: usize, xStep: usize, stride: u32, y: usize, yStep: usize, rows: u32, count: u32): void {
  for (; rows != 0; rows--) {
    let p = x;
    for (let q = y, end = y + 4 * count; q < end; q += 4) {
      store<f32>(q, load<f32>(p));
      p += 4 * stride;
    }
    x += xStep;
    y += yStep;
  }
}

/** First index i in 0…count with i · stride ≥ edge. */
function firstFrom(edge: i64, stride: u32, count: u32): u32 {
  const ahead = max<i64>(edge + stride - 1, 0);
  return <u32>min<i64>(stride == 1 ? ahead : stride == 2 ? ahead >> 1 : ahead / stride, count);
}

/**
 * The padded, phase-split copy of one plane x (height, width) into y; see f32_pad in src/program/kernels/pad.ts.
 * Without `border` only the inside is written: planes that reuse one buffer need their border once.
 */
export function padPlane(
  x: usize,
  height: u32,
  width: u32,
  y: usize,
  phase: u32,
  rows: u32,
  columns: u32,
  strideH: u32,
  strideW: u32,
  phasesH: u32,
  phasesW: u32,
  top: i32,
  left: i32,
  value: f32,
  border: bool,
): void {
  const dealt = strideW == 2 && phasesW == 2;
  const yStep = 4 * columns;
  const xStep = 4 * width * strideH;
  // 64 bits: whatever the record says, rows r0…r1 − 1 and columns c0…c1 − 1 of a phase stay within the plane.
  for (let a: u32 = 0; a < phasesH; a++) {
    const down = <i64>top - a;
    const r0 = firstFrom(down, strideH, rows);
    const inside = max(firstFrom(down + height, strideH, rows), r0) - r0;
    const row = x + 4 * width * <u32>(<i64>r0 * strideH - down);
    for (let b: u32 = 0; b < phasesW; b++) {
      if (border) {
        const outside = f32x4.splat(value);
        for (let q = y, end = y + rows * yStep; q < end; q += 16) v128.store(q, outside);
      }
      const right = <i64>left - b;
      const c0 = firstFrom(right, strideW, columns);
      const count = max(firstFrom(right + width, strideW, columns), c0) - c0;
      const from = row + 4 * <u32>(<i64>c0 * strideW - right);
      const to = y + r0 * yStep + 4 * c0;
      y += phase;
      if (dealt && b == 0) {
        // Both phases at once, beginning with the one that has the first pixel: the second one when `left` is odd.
        const d0 = firstFrom(right - 1, 2, columns);
        const others = max(firstFrom(right - 1 + width, 2, columns), d0) - d0;
        const pairs = min(count, others);
        if (pairs >= 4) {
          if (border) {
            const outside = f32x4.splat(value);
            for (let q = y, end = y + rows * yStep; q < end; q += 16) v128.store(q, outside);
          }
          const toOther = y + r0 * yStep + 4 * d0;
          const odd = d0 < c0;
          const start = odd ? from - 4 : from;
          const evens = odd ? toOther : to;
          const odds = odd ? to : toOther;
          dealRows(start, xStep, evens, odds, yStep, inside, pairs);
          if (count != others) {
            const more = odd ? others > count : count > others;
            pickRows(start + 8 * pairs + (more ? 0 : 4), xStep, 2, (more ? evens : odds) + 4 * pairs, yStep, inside, 1);
          }
          y += phase;
          break;
        }
      }
      if (strideW == 1 && count >= 4) copyRows(from, xStep, to, yStep, inside, count);
      else pickRows(from, xStep, strideW, to, yStep, inside, count);
    }
  }
}
