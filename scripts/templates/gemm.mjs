// Tiles of the dense kernels: `vectors` × 4 pixels by `rows` output channels, accumulators in locals.

const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Rows come in groups of four, whose weights lie one group after the other. */
function tile(vectors, rows) {
  const groups = range(rows / 4);
  const weight = (g) => `w${g >> 2 || ''}, ${4 * (g & 3)}`;
  const store = (g) => [
    `if (add) { ${range(vectors)
      .map((v) => `a${g}${v} = f32x4.add(a${g}${v}, v128.load(y + delta + o${v}));`)
      .join(' ')} }`,
    ...range(vectors).map((v) => `v128.store(y + o${v}, f32x4.pmin(f32x4.pmax(a${g}${v}, lo), hi));`),
    'y += plane;',
  ];
  const place = range(vectors)
    .map((v) => `o${v}: usize, `)
    .join('');
  return `
/** ${rows > 4 ? `All rows, less the last ones if they are ${rows - 4} or fewer` : 'All rows'}; returns where the weights go on. */
export function tile_${4 * vectors}x${rows}(x: usize, w: usize, y: usize, ${place}rows: u32, r: MatrixRecord): usize {
  const plane = r.yPlane;
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const end = x + ${16 * vectors} * r.columns;
  const add = r.add != 0;
  const delta = r.residual - r.y;
${rows > 4 ? '  const group = 16 * (r.columns + 1);\n' : ''}  for (; rows${rows > 4 ? ` > ${rows - 4}` : ' != 0'}; rows -= min(rows, ${rows})) {
${groups
  .slice(1)
  .map((i) => `    let w${i} = w${i > 1 ? i - 1 : ''} + group;\n`)
  .join('')}${range(rows)
    .map(
      (g) =>
        `    let a${g}0 = v128.load32_splat(${weight(g)});\n` +
        range(vectors)
          .slice(1)
          .map((v) => `    let a${g}${v} = a${g}0;\n`)
          .join(''),
    )
    .join(
      '',
    )}${groups.map((i) => `    w${i || ''} += 16;\n`).join('')}    for (let p = x; p < end; p += ${16 * vectors}) {
${range(vectors)
  .map((v) => `      const v${v} = v128.load(p, ${16 * v});\n`)
  .join('')}${range(rows)
    .map(
      (g) =>
        `      const s${g} = v128.load32_splat(${weight(g)});\n` +
        range(vectors)
          .map((v) => `      a${g}${v} = madd(v${v}, s${g}, a${g}${v});\n`)
          .join(''),
    )
    .join('')}${groups.map((i) => `      w${i || ''} += 16;\n`).join('')}    }
${rows > 4 ? `    w = w${rows / 4 - 1};\n` : ''}${range(rows)
    .map((g) => {
      const sure = g <= rows - 4;
      const lines = store(g).map((line) => `${sure ? '    ' : '      '}${line}\n`);
      return sure ? lines.join('') : `    if (rows > ${g}) {\n${lines.join('')}    }\n`;
    })
    .join('')}  }
  return w;
}
`;
}

export function gemmTiles() {
  return `// Tiles of the dense kernels; scripts/templates/gemm.mjs is the template, assembly/gemm/index.ts draws the weights.
import { madd } from '../madd';
import { MatrixRecord } from './records';
${[tile(2, 4), tile(1, 4), tile(1, 8)].join('')}`;
}
