/** Fills a row of `columns` floats, but for what `first`…`last` − 1 will overwrite. Columns are a multiple of 4. */
// @ts-ignore: decorator
@inline
function fill(y: usize, first: u32, last: u32, columns: u32, value: v128): void {
  const end = y + 4 * columns;
  const middle = y + 4 * first;
  const behind = y + 4 * (last & ~3);
  for (; y < middle; y += 16) v128.store(y, value);
  for (y = behind; y < end; y += 16) v128.store(y, value);
}

/** Copies `count` floats; the last vector overlaps the one before. */
// @ts-ignore: decorator
@inline
function copy(x: usize, y: usize, count: u32): void {
  if (count < 4) {
    for (const end = y + 4 * count; y < end; y += 4) {
      store<f32>(y, load<f32>(x));
      x += 4;
    }
    return;
  }
  const last = y + 4 * count - 16;
  x -= y;
  for (; y < last; y += 16) v128.store(y, v128.load(x + y));
  v128.store(last, v128.load(x + last));
}

/** Deals 2 · count floats out to y and z in turns; the last vectors overlap the ones before. */
// @ts-ignore: decorator
@inline
function deal(x: usize, y: usize, z: usize, count: u32): void {
  if (count < 4) {
    for (const end = y + 4 * count; y < end; y += 4) {
      store<f32>(y, load<f32>(x));
      store<f32>(z, load<f32>(x, 4));
      x += 8;
      z += 4;
    }
    return;
  }
  const last = x + 8 * count - 32;
  for (; ; ) {
    const u = v128.load(x);
    const v = v128.load(x, 16);
    v128.store(y, i32x4.shuffle(u, v, 0, 2, 4, 6));
    v128.store(z, i32x4.shuffle(u, v, 1, 3, 5, 7));
    if (x == last) return;
    const step = min<usize>(32, last - x);
    x += step;
    y += step / 2;
    z += step / 2;
  }
}

/** First column of a phase that reads pixel `edge` or one to its right, within 0…columns. */
// @ts-ignore: decorator
@inline
function columnAt(edge: i64, stride: u32, columns: u32): u32 {
  return <u32>min<i64>(max<i64>(edge + stride - 1, 0) / stride, columns);
}

/** The padded, phase-split copy of one plane x (height, width) into y; see f32_pad in src/program/kernels/pad.ts. */
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
): void {
  const outside = f32x4.splat(value);
  const dealt = strideW == 2 && phasesW == 2;
  const rowBytes = 4 * columns;
  for (let a: u32 = 0; a < phasesH; a++) {
    for (let b: u32 = 0; b < phasesW; b++) {
      // 64 bits: whatever the record says, columns first…last − 1 read pixels 0…width − 1.
      const shift = <i64>left - b;
      const first = columnAt(shift, strideW, columns);
      const last = max(first, columnAt(shift + width, strideW, columns));
      const start = <u32>(<i64>first * strideW - shift);
      // The other phase when both are written at once: it starts one column earlier when `left` is odd.
      const first1 = dealt ? columnAt(shift - 1, 2, columns) : 0;
      const last1 = dealt ? max(first1, columnAt(shift - 1 + width, 2, columns)) : 0;
      const both = <i32>min(last, last1) - <i32>first;
      let to = y;
      let row = a - top;
      for (let r: u32 = 0; r < rows; r++) {
        if (row >= height) {
          fill(to, columns, columns, columns, outside);
          if (dealt) fill(to + phase, columns, columns, columns, outside);
        } else {
          fill(to, first, last, columns, outside);
          const from = x + 4 * (row * width + start);
          const at = to + 4 * first;
          if (dealt) {
            const to1 = to + phase;
            fill(to1, first1, last1, columns, outside);
            if (both > 0) deal(from, at, at + phase, both);
            if (first1 < min(first, last1)) store<f32>(to1 + 4 * first1, load<f32>(from - 4));
            if (last > max(last1, first)) store<f32>(to + 4 * last - 4, load<f32>(from + 8 * (last - 1 - first)));
            if (last1 > max(last, first)) store<f32>(to1 + 4 * last1 - 4, load<f32>(from + 8 * (last1 - 1 - first) + 4));
          } else if (strideW == 1) {
            copy(from, at, last - first);
          } else {
            let p = from;
            for (let q = at, end = to + 4 * last; q < end; q += 4) {
              store<f32>(q, load<f32>(p));
              p += 4 * strideW;
            }
          }
        }
        to += rowBytes;
        row += strideH;
      }
      y += phase;
      if (dealt) {
        y += phase;
        break;
      }
    }
  }
}
