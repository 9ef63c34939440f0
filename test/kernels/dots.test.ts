// Sums of products of bytes, bit for bit, in every form that a host may choose.
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { packBlocks } from '../../src/lower/blocks.ts';
import { tapOffsets } from '../../src/lower/taps.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { dotScratchBytes } from '../../src/program/kernels/dots.ts';
import { paddedPlane } from '../../src/program/layout.ts';
import type { TapTable } from '../../src/program/program.ts';
import { pixelsOf, tiles } from '../../src/program/tiles.ts';
import type { Group } from '../../src/program/tiles.ts';
import { blockStream, requantised, toQuads } from './bytes.ts';
import type { Build, Kernels, Region } from './wasm.ts';
import { builds, loadKernels, randomFloats } from './wasm.ts';

// V8 11.3's baseline compiler multiplies wrongly (assembly/dots/form.ts); loadModel takes the simd build there
if (Number.parseInt(process.versions.v8) < 12) v8.setFlagsFromString('--no-liftoff');

interface Product {
  rows: number;
  inputs: number;
  height: number;
  width: number;
  /** Kernel size; the input of a k×k product is a padded copy, `rowPixels` wide. */
  kernel?: number;
  rowPixels?: number;
  batch?: number;
  /** Of the weights' blocks; at 1 they and x are as large as can be. */
  density: number;
  bits: 7 | 8;
  floats?: boolean;
  look?: boolean;
}

/** What each build can do, by the number that weights begin with; `dot` of eight bits depends on the host. */
const forms: Record<Build, { form: number; bits: 7 | 8 }[]> = {
  simd: [
    { form: 2, bits: 7 },
    { form: 2, bits: 8 },
  ],
  relaxed: [
    { form: 0, bits: 7 },
    { form: 1, bits: 7 },
    { form: 2, bits: 8 },
  ],
};

const bytesOf = (region: Region) => new Uint8Array(region.f32.buffer, region.address, region.bytes);

const seeded = (seed: number) => {
  const random = randomFloats(seed);
  return (count: number, least: number, most: number) =>
    Array.from(random(count), (v) => Math.min(most, Math.floor(least + ((v + 1) / 2) * (most - least + 1))));
};

function productOf(p: Product, seed: number, group: number) {
  const { rows, inputs, kernel = 1, density, bits } = p;
  const integers = seeded(seed);
  const area = kernel * kernel;
  const draw = seeded(seed + 1)(rows * inputs * area, 0, 9999);
  const signs = integers(rows * inputs * area, -127, 127);
  const weights = Int8Array.from(signs, (w, at) => {
    const [row, input, tap] = [Math.floor(at / (inputs * area)), Math.floor(at / area) % inputs, at % area];
    const corner = ((row - (row % group)) * inputs + (input - (input % 4))) * area + tap;
    if (density === 1) return 127 * Math.sign(w || 1);
    return draw[corner] / 10_000 < density ? w : 0;
  });
  const bias = integers(rows, -3000, 3000);
  const scales = Array.from(randomFloats(seed + 2)(rows), (v) =>
    Math.fround((Math.abs(v) * 40) / Math.sqrt(inputs * area) / 2000),
  );
  return { weights, bias, scales, top: 2 ** bits - 1, integers };
}

const tapsOf = (p: Product, plane: number): TapTable => {
  const { inputs, kernel = 1, rowPixels = 0 } = p;
  const one = [1, 1] as const;
  const shape = { channels: Math.ceil(inputs / 4), kernel: [kernel, kernel], stride: one, dilation: one } as const;
  return { ...shape, channelBytes: plane, phaseBytes: 0, rowBytes: 4 * rowPixels };
};

/** The kernel's results and the reference's. */
function run(k: Kernels, name: KernelName, group: Group, form: number, p: Product): [number[], number[]] {
  const { rows, inputs, height, width, kernel = 1, rowPixels = 0, batch = 1, density, bits } = p;
  const area = kernel * kernel;
  const seed = rows * 31 + inputs * 7 + height * width + kernel;
  const { weights, bias, scales, top, integers } = productOf(p, seed, group);
  // an image of rows of rowPixels, with kernel − 1 more of them; the last window ends where it ends
  const pixels = rowPixels ? (height + kernel - 1) * rowPixels : width;
  const plane = 4 * paddedPlane(pixels);
  const quads = Math.ceil(inputs / 4);
  k.reset();
  const values = Array.from({ length: batch }, () =>
    integers(inputs * pixels, 0, top).map((v) => (density === 1 ? top : v)),
  );
  const xs = values.map((v) => toQuads(v, inputs, pixels, plane, top));
  const x = k.integers(new Int32Array((batch * quads * plane) / 4));
  xs.forEach((bytes, n) => bytesOf(x).set(bytes, n * quads * plane));
  const taps = tapOffsets(tapsOf(p, plane));
  const words = blockStream({ ...p, area }, weights, scales, bias, group, form, taps);
  const constant = packBlocks({ rows, inputs, area, weights, scales, bias, bits }, group, 0);
  const w = k.integers(words, { constant, largest: Math.max(...taps) });
  const outputs = height * width;
  const yPlane = p.floats ? 4 * paddedPlane(outputs) : 4 * outputs;
  const planes = p.floats ? rows : Math.ceil(rows / 4);
  const y = k.floats((batch * planes * yPlane) / 4);
  const table = Array.from({ length: 256 }, (_, i) => (i * 37 + 11) & 255);
  const look = k.integers(new Int32Array(Uint8Array.from(table).buffer));
  const range = p.floats ? { zero: 0, low: -60, high: 70 } : { zero: 100, low: 3, high: top === 127 ? 120 : 250 };
  k.call(name, {
    x: x.address,
    weights: w.address,
    table: look.address,
    scratch: k.floats(dotScratchBytes / 4).address,
    y: y.address,
    batch,
    xBatch: quads * plane,
    yBatch: planes * yPlane,
    rows,
    height: rowPixels ? height : 1,
    width: rowPixels ? width : outputs,
    rowPixels,
    yPlane,
    floats: p.floats ? 1 : 0,
    ...range,
    look: p.look ? 1 : 0,
  });
  const actual: number[] = [];
  const expected: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < 4 * Math.ceil(rows / 4); row++) {
      for (let i = 0; i < outputs; i++) {
        let sum = row < rows ? bias[row] : 0;
        const [h, v] = [i % width, Math.floor(i / width)];
        const kept = row < rows ? inputs : 0;
        for (let c = 0; c < kept; c++) {
          for (let t = 0; t < area; t++) {
            const at = rowPixels ? (v + Math.floor(t / kernel)) * rowPixels + h + (t % kernel) : i;
            sum += weights[(row * inputs + c) * area + t] * values[n][c * pixels + at];
          }
        }
        if (p.floats) {
          if (row >= rows) continue;
          const scaled = Math.fround(Math.fround(sum) * scales[row]);
          expected.push(Math.min(Math.max(scaled, range.low), range.high));
          actual.push(y.f32[((n * planes + row) * yPlane) / 4 + i]);
        } else {
          const byte = requantised(sum, scales[row] ?? 0, range);
          expected.push(p.look ? table[byte] : byte);
          actual.push(bytesOf(y)[(n * planes + (row >> 2)) * yPlane + 4 * i + (row & 3)]);
        }
      }
    }
  }
  return [actual, expected];
}

const kernels = Object.entries(tiles.dots).map(([name, tile]) => ({
  name: `i8_dot_${name}` as KernelName,
  group: tile.rows as Group,
  widest: pixelsOf(tile),
}));

describe.each(builds)('products of bytes, %s build', async (build) => {
  const k = await loadKernels(build);
  const cases = kernels.flatMap((kernel) => forms[build].map((form) => ({ ...kernel, ...form })));

  it.each(cases)(
    '$name, form $form, $bits bits: every tile edge, row count and density',
    ({ name, group, widest, form, bits }) => {
      const widths = [
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        11,
        12,
        13,
        16,
        17,
        20,
        21,
        25,
        29,
        33,
        37,
        41,
        45,
        49,
        53,
        2 * widest + 1,
      ];
      for (const [i, width] of widths.entries()) {
        for (const density of [0, 0.3, 0.7, 1]) {
          const rows = [1, 2, 3, 4, 5, 7, 8, 9][((i + 8 * density) % 8) | 0];
          const inputs = [1, 3, 4, 5, 8, 12, 13][((i + 7 * density) % 7) | 0];
          const p: Product = { rows, inputs, height: 1, width, density, bits };
          const [actual, expected] = run(k, name, group, form, p);
          expect(actual, JSON.stringify(p)).toEqual(expected);
        }
      }
    },
  );

  it.each(cases)(
    '$name, form $form, $bits bits: shifted planes, batches, tables and floats',
    ({ name, group, form, bits }) => {
      const shapes = [
        { height: 1, width: 1, rowPixels: 3, kernel: 3 },
        { height: 2, width: 3, rowPixels: 5, kernel: 3 },
        { height: 5, width: 7, rowPixels: 8, kernel: 2 },
        { height: 7, width: 7, rowPixels: 9, kernel: 3 },
        { height: 3, width: 14, rowPixels: 16, kernel: 3 },
        { height: 4, width: 26, rowPixels: 30, kernel: 5 },
        { height: 9, width: 2, rowPixels: 2, kernel: 1 },
      ];
      for (const [i, shape] of shapes.entries()) {
        for (const [j, kind] of [{}, { floats: true }, { look: true }].entries()) {
          const p: Product = {
            rows: 3 + i + j,
            inputs: 2 + i,
            ...shape,
            batch: 1 + (i % 3),
            density: 0.6,
            bits,
            ...kind,
          };
          const [actual, expected] = run(k, name, group, form, p);
          expect(actual, JSON.stringify(p)).toEqual(expected);
        }
      }
      for (const kind of [{}, { floats: true }, { look: true }]) {
        for (const [rows, inputs, width] of [
          [10, 37, 1],
          [33, 260, 1],
          [6, 1029, 21],
        ]) {
          const p: Product = {
            rows,
            inputs,
            height: 1,
            width,
            batch: 2,
            density: width === 1 ? 0.5 : 1,
            bits,
            ...kind,
          };
          const [actual, expected] = run(k, name, group, form, p);
          expect(actual, JSON.stringify(p)).toEqual(expected);
        }
      }
    },
  );
});
