// Tiles of the sparse kernels: `vectors` × 4 pixels by `group` output channels, accumulators in locals.
import { activation } from './activation.mjs';

const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Every tile height that each group size has, main tile first. */
export const spmmTileVectors = { 1: [7, 6, 5, 4, 3, 2, 1], 2: [4, 3, 2, 1], 4: [2, 1] };

function tile(group, vectors, shifted) {
  const acc = (g, v) => `a${g}${v}`;
  const each = (f) => range(group).flatMap((g) => range(vectors).map((v) => f(g, v)));
  const stride = 4 + 4 * group;
  const name = `${shifted ? 'shifted' : 'flat'}_${4 * vectors}x${group}`;
  const place = shifted
    ? `  // vectors may reach beyond a row of outputs: what spills is overwritten by the next row's first vector
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
  const store = (g, v) => {
    const plane = g === 0 ? 'y' : `y${g}`;
    return shifted ? `v128.store(${plane} + o${v}, ${acc(g, v)});` : `v128.store(${plane}, ${acc(g, v)}, ${16 * v});`;
  };
  return `
export function ${name}(x: usize, e: usize, y: usize, groups: u32, r: SpmmRecord${shifted ? ', pixel: u32' : ''}): usize {
  const plane = r.yPlane;
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
${shifted ? '  const rowPixels = r.rowPixels;\n  const width = r.width;\n  const outPixels = width * r.height;\n' : ''}${place}  for (; groups != 0; groups--) {
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
${each((g, v) => `    ${acc(g, v)} = f32x4.pmin(f32x4.pmax(${acc(g, v)}, lo), hi);`).join('\n')}
${range(group)
  .slice(1)
  .map((g) => `    const y${g} = y${g > 1 ? g - 1 : ''} + plane;\n`)
  .join('')}${range(group)
    .map((g) =>
      range(vectors)
        .map((v) => `    ${store(g, v)}`)
        .join('\n'),
    )
    .join('\n')}
    y += ${group} * plane;
  }
  return e;
}
`;
}

/** One column of tiles over all rows of weights: groups of `group`, then the rows that are left, alone. */
function column(group, shifted) {
  const kind = shifted ? 'shifted' : 'flat';
  const extra = shifted ? ', pixel' : '';
  const widths = spmmTileVectors[group];
  const call = (v) => {
    const full = `e = ${kind}_${4 * v}x${group}(x, w, y, groups, r${extra});`;
    if (group === 1) return full.replace('e = ', '');
    return `${full}\n      if (rest != 0) ${kind}_${4 * v}x1(x, e, y + groups * ${group} * r.yPlane, rest, r${extra});`;
  };
  return `
function ${kind}_column_x${group}(x: usize, w: usize, y: usize, r: SpmmRecord, vectors: u32${shifted ? ', pixel: u32' : ''}): void {
  const groups = r.rows / ${group};
${group > 1 ? `  const rest = r.rows % ${group};\n  let e: usize;\n` : ''}  switch (vectors) {
${widths
  .map((v, i) => `    ${i === widths.length - 1 ? 'default' : `case ${v}`}: {\n      ${call(v)}\n      break;\n    }`)
  .join('\n')}
  }
}

/** All pixels: full tiles, and the last two of them shared out evenly so that no tile is nearly empty. */
export function ${kind}_x${group}(r: SpmmRecord, vectors: u32): void {
  const full: u32 = ${widths[0]};
  const block = activationBlock(r.rows);
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const y = r.y + n * r.yBatch;
    let left = vectors;
    let pixel: u32 = 0;
    let done: u32 = 0;
    while (left != 0) {
      const now = left <= full ? left : left < 2 * full ? (left + 1) / 2 : full;
      ${kind}_column_x${group}(x + 4 * pixel, r.weights, y${shifted ? '' : ' + 4 * pixel'}, r, now${shifted ? ', pixel' : ''});
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
import { SpmmRecord } from './records';
${tiles.join('')}${columns.join('')}`;
}
