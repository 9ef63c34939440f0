// Tiles of the int8 kernels: `vectors` × 4 pixels by `group` output channels, 32-bit sums in locals.
const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Vectors of 4 pixels in a tile, for each group size. */
export const int8TileVectors = { 1: 4, 2: 2, 4: 2 };

/** Interleaves lanes of a and b, `width` lanes of each: the first half of them, or the second. */
const zip = (type, width, a, b, half) =>
  `${type}.shuffle(${a}, ${b}, ${range(width / 2)
    .flatMap((i) => [i + half * (width / 2), i + half * (width / 2) + width])
    .join(', ')})`;

/** Weights of each row: splat from one load where there are four, which V8 11.3 would hoist into four registers. */
const rowWeights = (group, at) =>
  group === 4
    ? `        const w = v128.load(e, ${at});\n` +
      range(4)
        .map((g) => `        const w${g} = i32x4.shuffle(w, w, ${g}, ${g}, ${g}, ${g});`)
        .join('\n')
    : range(group)
        .map((g) => `        const w${g} = v128.load32_splat(e, ${at + 4 * g});`)
        .join('\n');

/** Four inputs a step, as bytes. */
function quads(group, vectors) {
  const wide = vectors === 4;
  const load = wide ? 'v128.load' : 'v128.load64_zero';
  return `${range(4)
    .map((i) => `        const c${i} = ${load}(x + load<u32>(e, ${4 * i}));`)
    .join('\n')}
${range(wide ? 2 : 1)
  .map(
    (half) => `        const c01${half} = ${zip('i8x16', 16, 'c0', 'c1', half)};
        const c23${half} = ${zip('i8x16', 16, 'c2', 'c3', half)};
        const v${2 * half} = ${zip('i16x8', 8, `c01${half}`, `c23${half}`, 0)};
        const v${2 * half + 1} = ${zip('i16x8', 8, `c01${half}`, `c23${half}`, 1)};`,
  )
  .join('\n')}
${rowWeights(group, 16)}
${range(group)
  .flatMap((g) =>
    range(vectors).map((v) => `        a${g}${v} = i32x4.relaxed_dot_i8x16_i7x16_add_s(w${g}, v${v}, a${g}${v});`),
  )
  .join('\n')}
        e += ${16 + 4 * group};`;
}

/** Two inputs a step, as 16-bit integers. */
function pairs(group, vectors) {
  return `        const p0 = x + load<u32>(e);
        const p1 = x + load<u32>(e, 4);
${range(vectors / 2)
  .map(
    (half) => `        const c0${half} = v128.load_ext<u8>(p0, ${8 * half});
        const c1${half} = v128.load_ext<u8>(p1, ${8 * half});
        const v${2 * half} = ${zip('i16x8', 8, `c0${half}`, `c1${half}`, 0)};
        const v${2 * half + 1} = ${zip('i16x8', 8, `c0${half}`, `c1${half}`, 1)};`,
  )
  .join('\n')}
${rowWeights(group, 8)}
${range(group)
  .flatMap((g) =>
    range(vectors).map((v) => `        a${g}${v} = i32x4.add(a${g}${v}, i32x4.dot_i16x8_s(v${v}, w${g}));`),
  )
  .join('\n')}
        e += ${8 + 4 * group};`;
}

function tile(group) {
  const vectors = int8TileVectors[group];
  const store = (g, v) => `v128.store(y, scaled(a${g}${v}, s, b, lo, hi), ${16 * v});`;
  return `
function tile_x${group}(x: usize, e: usize, y: usize, groups: u32, vectors: u32, r: Int8Record): usize {
  const plane = r.yPlane;
  const lo = f32x4.splat(r.min);
  const hi = f32x4.splat(r.max);
  for (; groups != 0; groups--) {
    let head = e + 4;
    e += ${4 + 8 * group};
    const end = e + load<u32>(head - 4);
${range(group)
  .flatMap((g) => range(vectors).map((v) => `    let a${g}${v} = i32x4.splat(0);`))
  .join('\n')}
    while (e < end) {
      if (ASC_FEATURE_RELAXED_SIMD) {
${quads(group, vectors)}
      } else {
${pairs(group, vectors)}
      }
    }
${range(group)
  .map(
    (g) => `    {
      const s = v128.load32_splat(head, ${8 * g});
      const b = v128.load32_splat(head, ${8 * g + 4});
      ${store(g, 0)}
${range(vectors)
  .slice(1)
  .map((v) => `      if (vectors > ${v}) ${store(g, v)}`)
  .join('\n')}
      y += plane;
    }`,
  )
  .join('\n')}
  }
  return e;
}

/** All pixels of \`groups\` groups of rows. Returns the entry after them. */
export function rows_x${group}(x: usize, w: usize, y: usize, groups: u32, r: Int8Record): usize {
  const block = activationBlock(r.rows);
  let next = w;
  let done: u32 = 0;
  for (let pixel: u32 = 0; pixel < r.pixels; ) {
    next = tile_x${group}(x + pixel, w, y + 4 * pixel, groups, (r.pixels - pixel + 3) / 4, r);
    pixel = min(pixel + ${4 * vectors}, r.pixels);
    if (r.activation != 0 && (pixel == r.pixels || pixel - done >= block)) {
      activatePlanes(y + 4 * done, pixel - done, ${group} * groups, r.yPlane, r.activation, r.alpha, r.beta);
      done = pixel;
    }
  }
  return next;
}
`;
}

export function int8Tiles() {
  return `// Tiles of the int8 kernels; scripts/templates/int8.mjs is the template, assembly/int8/index.ts draws the weights.
import { activationBlock, activatePlanes } from '../elementwise/planes';
import { Int8Record } from './records';

/** The clamped float of four sums. Rounded twice in every build, so that all give the same bits. */
// @ts-ignore: decorator
@inline
function scaled(sum: v128, s: v128, b: v128, lo: v128, hi: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), s), b), lo), hi);
}
${[1, 2, 4].map(tile).join('')}`;
}
