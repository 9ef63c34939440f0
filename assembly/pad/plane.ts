/** Fills `count` floats from y on. */
// @ts-ignore: decorator
@inline
function fill(y: usize, count: u32, value: v128): void {
  const end = y + 4 * count;
  for (; y + 16 <= end; y += 16) v128.store(y, value);
  for (; y < end; y += 4) v128.store32_lane(y, value, 0);
}

/** Copies every `stride`-th of the floats from x on into `count` floats. Reads at most 4 bytes past the last one taken. */
// @ts-ignore: decorator
@inline
function copy(x: usize, y: usize, count: u32, stride: u32): void {
  const end = y + 4 * count;
  if (stride == 1) {
    for (; y + 16 <= end; y += 16) {
      v128.store(y, v128.load(x));
      x += 16;
    }
  } else if (stride == 2) {
    for (; y + 16 <= end; y += 16) {
      v128.store(y, i32x4.shuffle(v128.load(x), v128.load(x, 16), 0, 2, 4, 6));
      x += 32;
    }
  }
  const step = 4 * stride;
  for (; y < end; y += 4) {
    store<f32>(y, load<f32>(x));
    x += step;
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
  for (let a: u32 = 0; a < phasesH; a++) {
    for (let b: u32 = 0; b < phasesW; b++) {
      // 64 bits: whatever the record says, columns first…last − 1 read pixels 0…width − 1.
      const shift = <i64>left - b;
      const first = columnAt(shift, strideW, columns);
      const last = max(first, columnAt(shift + width, strideW, columns));
      const start = <u32>(<i64>first * strideW - shift);
      let to = y;
      let row = a - top;
      for (let r: u32 = 0; r < rows; r++) {
        if (row < height && first < last) {
          fill(to, first, outside);
          copy(x + 4 * (row * width + start), to + 4 * first, last - first, strideW);
          fill(to + 4 * last, columns - last, outside);
        } else {
          fill(to, columns, outside);
        }
        to += 4 * columns;
        row += strideH;
      }
      y += phase;
    }
  }
}
