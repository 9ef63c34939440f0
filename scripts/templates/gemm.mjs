// Tiles of the dense kernels: `vectors` × 4 pixels by 4 output channels, accumulators in locals.
import { activation } from './activation.mjs';

const range = (n) => Array.from({ length: n }, (_, i) => i);

function tile(vectors, shifted) {
  const each = (f) => range(4).flatMap((g) => range(vectors).map((v) => f(g, v)));
  const name = `${shifted ? 'shifted' : 'flat'}_${4 * vectors}x4`;
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
  const store = (g, v) => (shifted ? `v128.store(y + o${v}, a${g}${v});` : `v128.store(y, a${g}${v}, ${16 * v});`);
  const stores = (g) =>
    range(vectors)
      .map((v) => store(g, v))
      .join(' ');
  return `
function ${name}(x: usize, w: usize, y: usize, r: GemmRecord${shifted ? ', pixel: u32' : ''}): void {
  const plane = r.yPlane;
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  const taps = r.taps;
  const end = taps + 4 * r.columns;
${shifted ? '  const rowPixels = r.rowPixels;\n  const width = r.width;\n  const outPixels = width * r.height;\n' : ''}${place}  for (let left = r.rows; left != 0; left -= min(left, 4)) {
${range(4)
  .map(
    (g) =>
      `    let a${g}0 = v128.load32_splat(w, ${4 * g});${range(vectors)
        .slice(1)
        .map((v) => `\n    let a${g}${v} = a${g}0;`)
        .join('')}`,
  )
  .join('\n')}
    w += 16;
    for (let t = taps; t < end; t += 4) {
      const p = x + load<u32>(t);
${range(vectors)
  .map((v) => `      const v${v} = v128.load(p, ${16 * v});`)
  .join('\n')}
${range(4)
  .map(
    (g) =>
      `      const w${g} = v128.load32_splat(w, ${4 * g});\n` +
      range(vectors)
        .map((v) => `      a${g}${v} = madd(v${v}, w${g}, a${g}${v});`)
        .join('\n'),
  )
  .join('\n')}
      w += 16;
    }
${each((g, v) => `    a${g}${v} = f32x4.pmin(f32x4.pmax(a${g}${v}, lo), hi);`).join('\n')}
    ${stores(0)}
    y += plane;
${range(4)
  .slice(1)
  .map((g) => `    if (left > ${g}) {\n      ${stores(g)}\n      y += plane;\n    }`)
  .join('\n')}
  }
}
`;
}

function whole(shifted) {
  const kind = shifted ? 'shifted' : 'flat';
  return `
/** All pixels, two vectors at a time and a last one if their number is odd. */
export function ${kind}_x4(r: GemmRecord, vectors: u32): void {
  const block = activationBlock(r.rows);
  for (let n: u32 = 0; n < r.batch; n++) {
    const x = r.x + n * r.xBatch;
    const y = r.y + n * r.yBatch;
    let pixel: u32 = 0;
    let done: u32 = 0;
    for (let left = vectors; left != 0; ) {
      if (left == 1) {
        ${kind}_4x4(x + 4 * pixel, r.weights, y${shifted ? '' : ' + 4 * pixel'}, r${shifted ? ', pixel' : ''});
        pixel += 4;
        left = 0;
      } else {
        ${kind}_8x4(x + 4 * pixel, r.weights, y${shifted ? '' : ' + 4 * pixel'}, r${shifted ? ', pixel' : ''});
        pixel += 8;
        left -= 2;
      }
${activation(shifted)}    }
  }
}
`;
}

export function gemmTiles() {
  return `// Tiles of the dense kernels; scripts/templates/gemm.mjs is the template, assembly/gemm/index.ts draws the weights.
import { activationBlock, activatePlanes } from '../elementwise/planes';
import { madd } from '../madd';
import { GemmRecord } from './records';
${[false, true].flatMap((shifted) => [2, 1].map((v) => tile(v, shifted))).join('')}${[false, true].map(whole).join('')}`;
}
