// Tiles of the sparse kernels: `vectors` × 4 pixels by `group` output channels, accumulators in locals.
import { activation } from './activation.mjs';

const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Every tile height that each group size has, main tile first. */
export const spmmTileVectors = { 1: [7, 6, 5, 4, 3, 2, 1], 2: [4, 3, 2, 1], 4: [2, 1] };

function tile(group, vectors, shifted) {
  const acc = (g, v) => `a${g}${v}`;
  const stride = 4 + 4 * group;
  const name = `${shifted ? 'shifted' : 'flat'}_${4 * vectors}x${group}`;
  const place = shifted
    ? `  // vectors may reach beyond a row of outputs: what spills is overwritten by the next row's first vector
  const width = r.width;
  const outPixels = width * r.height;
  let row = pixel / rowPixels;
  let column = pixel - row * rowPixels;
${range(vectors)
  .map(
    (v) => `  const o${v} = 4 * min(row * width + min(column, width), outPixels);
  column += 4;
  if (column >= rowPixels) {
    column -= rowPixels;
    row += 1;
  }`,
  )
  .join('\n')}\n`
    : '';
  const at = (base, v) => (shifted ? `${base} + o${v}` : base);
  const immediate = (v) => (shifted ? '' : `, ${16 * v}`);
  return `
export function ${name}(x: usize, e: usize, y: usize, groups: u32, r: MatrixRecord${shifted ? ', pixel: u32, rowPixels: u32' : ''}): usize {
  const plane = r.yPlane;
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const add = r.add != 0;
  const delta = r.residual - r.y;
${place}  for (; groups != 0; groups--) {
    const end = e + ${stride} + load<u32>(e);
${range(group)
  .map(
    (g) =>
      `    let ${acc(g, 0)} = v128.load32_splat(e, ${4 + 4 * g});${range(vectors)
        .slice(1)
        .map((v) => `\n    let ${acc(g, v)} = ${acc(g, 0)};`)
        .join('')}`,
  )
  .join('\n')}
    for (e += ${stride}; e < end; e += ${stride}) {
      const p = x + load<u32>(e);
${range(group)
  .map((g) => `      const w${g} = v128.load32_splat(e, ${4 + 4 * g});`)
  .join('\n')}
${range(vectors)
  .map((v) => {
    if (group === 1) return `      ${acc(0, v)} = madd(v128.load(p, ${16 * v}), w0, ${acc(0, v)});`;
    return (
      `      const v${v} = v128.load(p, ${16 * v});\n` +
      range(group)
        .map((g) => `      ${acc(g, v)} = madd(v${v}, w${g}, ${acc(g, v)});`)
        .join('\n')
    );
  })
  .join('\n')}
    }
    if (add) {
      let q = y + delta;
${range(group)
  .map((g) => {
    const sums = range(vectors).map(
      (v) => `      ${acc(g, v)} = f32x4.add(${acc(g, v)}, v128.load(${at('q', v)}${immediate(v)}));\n`,
    );
    return sums.join('');
  })
  .join('      q += plane;\n')}    }
${range(group)
  .map((g) =>
    range(vectors)
      .map((v) => `    v128.store(${at('y', v)}, f32x4.pmin(f32x4.pmax(${acc(g, v)}, lo), hi)${immediate(v)});\n`)
      .concat('    y += plane;\n')
      .join(''),
  )
  .join('')}  }
  return e;
}
`;
}

/** One column of tiles over all rows of weights: groups of `group`, then the rows that are left, alone. */
function column(group, shifted) {
  const kind = shifted ? 'shifted' : 'flat';
  const extra = shifted ? ', pixel, rowPixels' : '';
  const widths = spmmTileVectors[group];
  const call = (v) => {
    const full = `e = ${kind}_${4 * v}x${group}(x, w, y, groups, r${extra});`;
    if (group === 1) return full.replace('e = ', '');
    return `${full}\n      if (rest != 0) ${kind}_${4 * v}x1(x, e, y + groups * ${group} * r.yPlane, rest, r${extra});`;
  };
  return `
function ${kind}_column_x${group}(x: usize, w: usize, y: usize, r: MatrixRecord, vectors: u32${shifted ? ', pixel: u32, rowPixels: u32' : ''}): void {
  const groups = r.rows / ${group};
${group > 1 ? `  const rest = r.rows % ${group};\n  let e: usize;\n` : ''}  switch (vectors) {
${widths
  .map((v, i) => `    ${i === widths.length - 1 ? 'default' : `case ${v}`}: {\n      ${call(v)}\n      break;\n    }`)
  .join('\n')}
  }
}

/** All pixels: full tiles, and the last two of them shared out evenly so that no tile is nearly empty. */
export function ${kind}_x${group}(r: MatrixRecord, vectors: u32): void {
  const full: u32 = ${widths[0]};
  const block = activationBlock(r.rows);
${shifted ? `  const rowPixels = ${group === 1 ? 'r.packed != 0 ? (r.width + 3) & ~3 : r.rowPixels' : 'r.rowPixels'};\n` : ''}  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const y = r.y + n * r.yBatch;
    let left = vectors;
    let pixel: u32 = 0;
    let done: u32 = 0;
    while (left != 0) {
      const now = left <= full ? left : left < 2 * full ? (left + 1) / 2 : full;
      ${
        group === 1
          ? `let from = x + 4 * pixel;
      if (r.packed != 0) {
        from = r.scratch;
        ${shifted ? 'packRows(r, x, pixel, rowPixels, now)' : 'packFlat(r, x + 4 * pixel, now)'};
      }`
          : 'const from = x + 4 * pixel;'
      }
      ${kind}_column_x${group}(from, r.weights, y${shifted ? '' : ' + 4 * pixel'}, r, now${shifted ? ', pixel, rowPixels' : ''});
      pixel += 4 * now;
      left -= now;
${activation(shifted)}    }
  }
}
`;
}

export function spmmTiles() {
  const tiles = [false, true].flatMap((shifted) =>
    Object.entries(spmmTileVectors).flatMap(([group, sizes]) => sizes.map((v) => tile(+group, v, shifted))),
  );
  const columns = [false, true].flatMap((shifted) => [1, 2, 4].map((group) => column(group, shifted)));
  return `// Tiles of the sparse kernels; scripts/templates/spmm.mjs is the template, assembly/spmm/index.ts draws the weights.
import { activationBlock, activatePlanes } from '../elementwise/planes';
import { madd } from '../madd';
import { packFlat, packRows } from '../matrix/pack';
import { MatrixRecord } from './records';
${tiles.join('')}${columns.join('')}`;
}
