// Sums over samples of products of two columns.

/** G[i][j] += Σ x[s][i] · y[s][j] for 4 × 8 columns: a block is summed in f32, blocks are added in f64. */
// @ts-ignore: decorator
@inline
function tile4x8(x: usize, y: usize, samples: u32, g: usize, stride: usize): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (const end = x + 32 * samples; x != end; x += 32) {
    const y0 = v128.load(y);
    const y1 = v128.load(y, 16);
    y += 32;
    let w = v128.load32_splat(x);
    a0 = f32x4.add(a0, f32x4.mul(w, y0));
    a1 = f32x4.add(a1, f32x4.mul(w, y1));
    w = v128.load32_splat(x, 4);
    b0 = f32x4.add(b0, f32x4.mul(w, y0));
    b1 = f32x4.add(b1, f32x4.mul(w, y1));
    w = v128.load32_splat(x, 8);
    c0 = f32x4.add(c0, f32x4.mul(w, y0));
    c1 = f32x4.add(c1, f32x4.mul(w, y1));
    w = v128.load32_splat(x, 12);
    d0 = f32x4.add(d0, f32x4.mul(w, y0));
    d1 = f32x4.add(d1, f32x4.mul(w, y1));
  }
  addRow(g, a0, a1);
  addRow(g + stride, b0, b1);
  addRow(g + 2 * stride, c0, c1);
  addRow(g + 3 * stride, d0, d1);
}

// @ts-ignore: decorator
@inline
function addRow(g: usize, a: v128, b: v128): void {
  addFour(g, a);
  addFour(g + 32, b);
}

// @ts-ignore: decorator
@inline
function addFour(g: usize, a: v128): void {
  v128.store(g, f64x2.add(v128.load(g), f64x2.promote_low_f32x4(a)));
  const high = i64x2.shuffle(a, a, 1, 1);
  v128.store(g, f64x2.add(v128.load(g, 16), f64x2.promote_low_f32x4(high)), 16);
}

/**
 * G (8·panelsX, 8·panelsY) f64, rows of `stride` doubles, += Xᵀ Y of one block of samples. X and Y lie in panels of 8
 * columns, `capacity` samples × 8 floats each; the first `samples` count. With `symmetric` (Y = X) only tiles on and
 * right of the diagonal are written.
 */
export function gram(
  x: usize, y: usize, samples: u32, capacity: u32, panelsX: u32, panelsY: u32, g: usize, stride: u32, symmetric: bool,
): void {
  const panel: usize = 32 * capacity;
  const row: usize = 8 * stride;
  for (let p: u32 = 0; p < panelsX; p++) {
    const a = x + p * panel;
    for (let q: u32 = symmetric ? p : 0; q < panelsY; q++) {
      const b = y + q * panel;
      const at = g + 8 * p * row + 64 * q;
      tile4x8(a, b, samples, at, row);
      tile4x8(a + 16, b, samples, at + 4 * row, row);
    }
  }
}
