// Winograd's convolutions, called one by one: guard bands and poison around everything they write.
import { describe, expect, it } from 'vitest';
import { paddedPlane } from '../../src/program/layout.ts';
import { packGemm } from '../../src/lower/pack.ts';
import type { Constant } from '../../src/program/program.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { winogradBytes } from '../../src/program/constants.ts';
import { winogradBand, winogradScratchBytes } from '../../src/program/kernels/winograd.ts';
import { winogradTiles } from '../../src/program/tiles.ts';
import { expandConstant } from '../../src/runtime/expand-constant.ts';
import { unaryFunctions } from '../../src/program/activations.ts';
import type { Kernels } from './wasm.ts';
import { builds, loadKernels, randomFloats, relativeError } from './wasm.ts';

// Of sums in float32 that cancel in the transforms: half an output's size is lost at most in 2e-6, with room for unlucky numbers
const tolerance = 1e-5;

const open = { min: -Infinity, max: Infinity, activation: 0, alpha: 0, beta: 0 };

interface Convolution {
  batch: number;
  rows: number;
  columns: number;
  xHeight: number;
  xWidth: number;
  /** Zeros: top, left, bottom, right. */
  pads: readonly [number, number, number, number];
}

interface Variant {
  tile: 2 | 4;
  add?: 'nothing' | 'residual' | 'itself';
  activation?: typeof open;
  /** Rows of tiles at a time; as many as the compiler would take if not given. */
  band?: number;
}

/** Plain loops in f64. */
function reference(c: Convolution, x: Float32Array, weights: Float32Array, bias: Float32Array, added?: Float32Array) {
  const [height, width] = outputOf(c);
  const y = new Float64Array(c.batch * c.rows * height * width);
  let at = 0;
  for (let n = 0; n < c.batch; n++) {
    for (let row = 0; row < c.rows; row++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          let sum = bias[row] + (added?.[at] ?? 0);
          for (let column = 0; column < c.columns; column++) {
            for (let k = 0; k < 9; k++) {
              const r = i + Math.floor(k / 3) - c.pads[0];
              const s = j + (k % 3) - c.pads[1];
              if (r < 0 || r >= c.xHeight || s < 0 || s >= c.xWidth) continue;
              const pixel = ((n * c.columns + column) * c.xHeight + r) * c.xWidth + s;
              sum += weights[(row * c.columns + column) * 9 + k] * x[pixel];
            }
          }
          y[at++] = sum;
        }
      }
    }
  }
  return y;
}

const outputOf = ({ xHeight, xWidth, pads }: Convolution) => [
  xHeight + pads[0] + pads[2] - 2,
  xWidth + pads[1] + pads[3] - 2,
];

/** Planes `stride` floats apart, with NaN between them. */
function spread(data: Float32Array, pixels: number, stride: number): Float32Array {
  const planes = new Float32Array((data.length / pixels) * stride).fill(NaN);
  for (let p = 0; p * pixels < data.length; p++) planes.set(data.subarray(p * pixels, (p + 1) * pixels), p * stride);
  return planes;
}

function check(k: Kernels, name: KernelName, c: Convolution, v: Variant, seed: number): void {
  const random = randomFloats(seed);
  const { batch, rows, columns, xHeight, xWidth, pads } = c;
  const [height, width] = outputOf(c);
  const weights = random(rows * columns * 9);
  const bias = random(rows);
  const image = random(batch * columns * xHeight * xWidth);
  const added = random(batch * rows * height * width);
  const wide = name.endsWith('x6');
  k.reset();
  const packed = packGemm(rows, 9 * columns, weights, bias) as Extract<Constant, { form: 'gemm' }>;
  const constant: Constant = { ...packed, winograd: v.tile, wide };
  const place = k.floats(winogradBytes(rows, columns, wide ? 6 : 4, v.tile) / 4, { constant, largest: Infinity });
  const staging = k.floats(4 * (9 * columns + 1) * Math.ceil(rows / 4) + 64);
  expandConstant(constant, place.address, 0, staging.address, k.instance);
  const xPlane = paddedPlane(xHeight * xWidth);
  const yPlane = paddedPlane(height * width);
  const x = k.floats(spread(image, xHeight * xWidth, xPlane));
  const y = k.floats(batch * rows * yPlane);
  const { add = 'nothing', activation = open } = v;
  const residual = spread(added, height * width, yPlane);
  const band = v.band ?? winogradBand({ ...c, width, tile: v.tile }, height);
  const most = Math.min(band, Math.ceil(height / v.tile));
  const scratch = k.floats(Math.ceil(winogradScratchBytes({ ...c, width, tile: v.tile }, most) / 4));
  if (add === 'itself') y.f32.set(residual);
  k.call(name, {
    x: x.address,
    weights: place.address,
    scratch: scratch.address,
    residual: add === 'residual' ? k.floats(residual).address : y.address,
    y: y.address,
    batch,
    xBatch: 4 * columns * xPlane,
    yBatch: 4 * rows * yPlane,
    rows,
    rowStart: 0,
    rowCount: rows,
    columns,
    tile: v.tile,
    band,
    firstRow: 0,
    height,
    width,
    xHeight,
    xWidth,
    top: pads[0],
    left: pads[1],
    xPlane: 4 * xPlane,
    yPlane: 4 * yPlane,
    add: add === 'nothing' ? 0 : 1,
    ...activation,
  });
  const expected = reference(c, image, weights, bias, add === 'nothing' ? undefined : added).map((sum) => {
    const clamped = Math.min(Math.max(sum, activation.min), activation.max);
    return activation.activation === 0 ? clamped : clamped / (1 + Math.exp(-clamped));
  });
  const actual = Float32Array.from(
    expected,
    (_, i) => y.f32[Math.floor(i / (height * width)) * yPlane + (i % (height * width))],
  );
  expect(relativeError(actual, expected), `${name} ${JSON.stringify({ c, v })}`).toBeLessThan(tolerance);
}

const one = [1, 1, 1, 1] as const;
const cases = winogradTiles.flatMap((tile) => (['x4', 'x6'] as const).map((rows) => ({ tile, rows })));

describe.each(builds)("Winograd's convolutions, %s build", async (build) => {
  const k = await loadKernels(build, 32);

  it.each(cases)('$tile×$tile, panels $rows: meets the reference at every edge of tiles', ({ tile, rows: panel }) => {
    const name = `f32_winograd_8${panel}` as const;
    let seed = 1;
    for (const xHeight of [1, 2, 3, 4, 5, 7, 8, 13, 17]) {
      for (const xWidth of [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 20, 33]) {
        const c = { batch: 1, rows: 1 + (seed % 7), columns: 1 + (seed % 3), xHeight, xWidth, pads: one };
        check(k, name, c, { tile }, seed++);
        check(k, name, c, { tile, band: 1 + (seed % 3), add: 'residual' }, seed++);
      }
    }
  });

  it.each(cases)('$tile×$tile, panels $rows: takes any rows, columns, images and pads', ({ tile, rows: panel }) => {
    const name = `f32_winograd_8${panel}` as const;
    for (const rows of [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 24]) {
      for (const columns of [1, 2, 5, 16]) {
        check(k, name, { batch: 2, rows, columns, xHeight: 6, xWidth: 11, pads: one }, { tile }, rows);
      }
    }
    for (const top of [0, 1, 2]) {
      for (const left of [0, 1, 2]) {
        for (const bottom of [0, 1, 5]) {
          for (const right of [0, 1, 2]) {
            const pads = [top, left, bottom, right] as const;
            check(k, name, { batch: 1, rows: 3, columns: 2, xHeight: 5, xWidth: 10, pads }, { tile }, 7);
          }
        }
      }
    }
  });

  it.each(cases)('$tile×$tile, panels $rows: adds, clamps and activates', ({ tile, rows: panel }) => {
    const name = `f32_winograd_8${panel}` as const;
    const c = { batch: 2, rows: 5, columns: 4, xHeight: 9, xWidth: 14, pads: one };
    for (const add of ['nothing', 'residual', 'itself'] as const) {
      check(k, name, c, { tile, add, activation: { ...open, min: 0, max: 1 } }, 3);
      check(k, name, c, { tile, add, activation: { ...open, activation: unaryFunctions.indexOf('silu') } }, 4);
    }
  });

  it.each(cases)('$tile×$tile, panels $rows: bands do not matter', ({ tile, rows: panel }) => {
    const name = `f32_winograd_8${panel}` as const;
    const c = { batch: 1, rows: 12, columns: 16, xHeight: 21, xWidth: 20, pads: one };
    for (const band of [1, 2, 3, 4, 100]) check(k, name, c, { tile, band }, 5);
  });
});
