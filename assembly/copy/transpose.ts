/** The first n lanes of v, 1 ≤ n ≤ 4. */
// @ts-ignore: decorator
@inline
export function storeLanes(y: usize, v: v128, n: u32): void {
  if (n == 4) v128.store(y, v);
  else if (n == 1) v128.store32_lane(y, v, 0);
  else {
    v128.store64_lane(y, v, 0);
    if (n == 3) v128.store32_lane(y, v, 2, 8);
  }
}

/**
 * y (rows, columns) = x (rows, columns), where the rows of x and the columns of y are contiguous: planes to pixels and
 * back. Tiles of 4×4; at the last rows, loads run up to 12 bytes past the last element.
 */
export function transpose(x: usize, y: usize, rows: u32, columns: u32, xColumn: usize, yRow: usize): void {
  for (let i: u32 = 0; i < rows; i += 4) {
    const left = rows - i;
    let p = x + 4 * i;
    let q = y + i * yRow;
    for (let j: u32 = 0; j < columns; j += 4) {
      const lanes = min<u32>(columns - j, 4);
      const a = v128.load(p);
      const b = v128.load(p + (lanes > 1 ? xColumn : 0));
      const c = v128.load(p + (lanes > 2 ? 2 * xColumn : 0));
      const d = v128.load(p + (lanes > 3 ? 3 * xColumn : 0));
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      storeLanes(q, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), lanes);
      if (left > 1) storeLanes(q + yRow, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), lanes);
      if (left > 2) {
        const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
        storeLanes(q + 2 * yRow, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5), lanes);
        if (left > 3) storeLanes(q + 3 * yRow, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7), lanes);
      }
      p += 4 * xColumn;
      q += 16;
    }
  }
}
