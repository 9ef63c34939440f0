// Tiles of the dense kernels: `vectors` × 4 pixels by 4 output channels, accumulators in locals.

const range = (n) => Array.from({ length: n }, (_, i) => i);

function tile(vectors) {
  const each = (f) => range(vectors).map(f).join(' ');
  const store = (g) => `if (add) { ${each((v) => `a${g}${v} = f32x4.add(a${g}${v}, v128.load(y + delta + o${v}));`)} }
      ${each((v) => `v128.store(y + o${v}, f32x4.pmin(f32x4.pmax(a${g}${v}, lo), hi));`)}
      y += plane;`;
  return `
/** All rows at a packed tile; o0, …: bytes from y to where its vectors go. */
export function tile_${4 * vectors}x4(x: usize, w: usize, y: usize, ${each((v) => `o${v}: usize,`)} rows: u32, r: MatrixRecord): void {
  const plane = r.yPlane;
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const end = x + ${16 * vectors} * r.columns;
  const add = r.add != 0;
  const delta = r.residual - r.y;
  for (; rows != 0; rows -= min(rows, 4)) {
${range(4)
  .map(
    (g) => `    let ${each((v) => `a${g}${v} = ${v ? `a${g}0` : `v128.load32_splat(w, ${4 * g})`},`).slice(0, -1)};\n`,
  )
  .join('')}    w += 16;
    for (let p = x; p < end; p += ${16 * vectors}) {
      ${each((v) => `const v${v} = v128.load(p, ${16 * v});`)}
${range(4)
  .map(
    (g) =>
      `      const w${g} = v128.load32_splat(w, ${4 * g});\n` +
      range(vectors)
        .map((v) => `      a${g}${v} = madd(v${v}, w${g}, a${g}${v});\n`)
        .join(''),
  )
  .join('')}      w += 16;
    }
    ${store(0)}
${range(4)
  .slice(1)
  .map((g) => `    if (rows > ${g}) {\n      ${store(g)}\n    }\n`)
  .join('')}  }
}
`;
}

export function gemmTiles() {
  return `// Tiles of the dense kernels; scripts/templates/gemm.mjs is the template, assembly/gemm/index.ts draws the weights.
import { madd } from '../madd';
import { MatrixRecord } from './records';
${[2, 1].map(tile).join('')}`;
}
