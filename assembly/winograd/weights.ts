// Expands weights of 3×3 convolutions into the form that assembly/winograd/index.ts draws.

/** G for tiles of 4×4 outputs: s · (1, p, p²) at the points p = 0, ±√½, ±√2, and (0, 0, 1) at ∞. */
const g4 = memory.data<f64>([
  1, 0, 0,
  -0.6666666666666666, -0.47140452079103168, -0.3333333333333333,
  -0.6666666666666666, 0.47140452079103168, -0.3333333333333333,
  0.16666666666666666, 0.23570226039551584, 0.3333333333333333,
  0.16666666666666666, -0.23570226039551584, 0.3333333333333333,
  0, 0, 1,
]);

/** The same for 2×2 outputs: p = 0, ±1, ∞. */
const g2 = memory.data<f64>([1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1]);

/** Two rows of weights, as f64. */
// @ts-ignore: decorator
@inline
function pair(from: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(from));
}

/** Line `i` of G times three numbers. */
// @ts-ignore: decorator
@inline
function line(g: usize, i: u32, a: v128, b: v128, c: v128): v128 {
  const at = g + 24 * i;
  const ab = f64x2.add(f64x2.mul(v128.load64_splat(at), a), f64x2.mul(v128.load64_splat(at, 8), b));
  return f64x2.add(ab, f64x2.mul(v128.load64_splat(at, 16), c));
}

/**
 * Panels of 4 rows of (rows, columns, 3, 3) weights, as assembly/gemm/index.ts draws them → G·w·Gᵀ for tiles of f×f outputs, in
 * panels of `panel` rows, computed in f64.
 */
export function expand_winograd(from: usize, to: usize, rows: u32, columns: u32, panel: u32, f: u32): void {
  const n = f + 2;
  const g = f == 4 ? g4 : g2;
  const groups = (rows + panel - 1) / panel;
  const group: usize = 4 * panel * (columns + 1);
  const point = groups * group;
  const given = (rows + 3) & ~3;
  const fromPanel: usize = 16 * (9 * columns + 1);
  let u = to + 4 * panel * groups;
  for (let i: u32 = 0; i < n * n * groups; i++) memory.fill(u + i * group, 0, 4 * panel);
  for (let row: u32 = 0; row < panel * groups; row += 2) {
    const lanes = from + (row / 4) * fromPanel + 4 * (row % 4);
    v128.store64_lane(to + 4 * row, row < given ? v128.load64_zero(lanes) : f32x4.splat(0), 0);
    let w = lanes + 16;
    let q = u + (row / panel) * group + 4 * (row % panel);
    for (let c: u32 = 0; c < columns; c++) {
      q += 4 * panel;
      let p = q;
      for (let i: u32 = 0; i < n; i++) {
        let left = f64x2.splat(0);
        let middle = left;
        let right = left;
        if (row < given) {
          left = line(g, i, pair(w), pair(w + 48), pair(w + 96));
          middle = line(g, i, pair(w + 16), pair(w + 64), pair(w + 112));
          right = line(g, i, pair(w + 32), pair(w + 80), pair(w + 128));
        }
        for (let j: u32 = 0; j < n; j++) {
          v128.store64_lane(p, f32x4.demote_f64x2_zero(line(g, j, left, middle, right)), 0);
          p += point;
        }
      }
      w += 144;
    }
  }
}
