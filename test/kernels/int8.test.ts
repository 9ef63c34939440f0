// Eight-bit products and the quantisation of their inputs, bit for bit: sums are whole numbers.
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { activateInPlace } from '../../src/graph/activation.ts';
import { unaryFunctions } from '../../src/program/activations.ts';
import { bytePlane, paddedPlane } from '../../src/program/layout.ts';
import type { Constant } from '../../src/program/program.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import type { Build, Kernels, Region } from './wasm.ts';
import { builds, loadKernels, randomFloats, relativeError } from './wasm.ts';

// V8 11.3's baseline compiler multiplies wrongly (assembly/int8/index.ts); loadModel takes the simd build there
if (Number.parseInt(process.versions.v8) < 12) v8.setFlagsFromString('--no-liftoff');

interface Product {
  rows: number;
  columns: number;
  pixels: number;
  /** Of the weights; at 1 they and x are as large as can be. */
  density: number;
  batch?: number;
}

const bytesOf = (region: Region) => new Uint8Array(region.f32.buffer, region.address, region.bytes);
const whole = (values: Float32Array, most: number) => Int32Array.from(values, (v) => Math.round(v * most));

/** The layout that assembly/int8/index.ts draws, byte by byte. */
function placeWeights(
  k: Kernels,
  build: Build,
  p: Product,
  weights: Int32Array,
  scales: Float32Array,
  bias: Float32Array,
  group: number,
  plane: number,
) {
  const inputs = build === 'relaxed' ? 4 : 2;
  const words: number[] = [];
  const float = (v: number) => words.push(new Int32Array(Float32Array.of(v).buffer)[0]);
  for (let row = 0; row < p.rows;) {
    const lanes = Array.from({ length: p.rows - row >= group ? group : 1 }, (_, i) => row + i);
    const all = Array.from({ length: p.columns }, (_, c) => c);
    const kept = all.filter((c) => lanes.some((r) => weights[r * p.columns + c] !== 0));
    words.push(4 * Math.ceil(kept.length / inputs) * (inputs + lanes.length));
    for (const r of lanes) [scales[r], bias[r]].forEach(float);
    for (let i = 0; i < kept.length; i += inputs) {
      const slots = Array.from({ length: inputs }, (_, s) => kept[i + s]);
      for (const c of slots) words.push((c ?? kept[i]) * plane);
      for (const r of lanes) {
        const w = slots.map((c) => (c === undefined ? 0 : weights[r * p.columns + c]));
        words.push(new Int32Array((inputs === 4 ? Int8Array : Int16Array).from(w).buffer)[0]);
      }
    }
    row += lanes.length;
  }
  const nothing = {
    counts: new Uint32Array(0),
    gaps: new Uint8Array(0),
    values: new Int8Array(0),
    scales,
    bias,
    taps: 0,
  };
  const constant: Constant = { form: 'i8', rows: p.rows, columns: p.columns, group, ...nothing };
  return k.integers(words, { constant, largest: (p.columns - 1) * plane });
}

const open = { min: -Infinity, max: Infinity, activation: 0, alpha: 0, beta: 0 };

/** The kernel's pixels and the reference's, before the activation. */
function run(k: Kernels, build: Build, name: KernelName, p: Product, activation = open): [Float32Array, Float32Array] {
  const { rows, columns, pixels, density, batch = 1 } = p;
  const random = randomFloats(rows * columns + pixels);
  const draw = random(rows * columns);
  const weights = whole(random(rows * columns), 127).map((w, i) =>
    density === 1 ? 127 * Math.sign(w || 1) : (draw[i] + 1) / 2 < density ? w : 0,
  );
  const scales = random(rows);
  const bias = random(rows, 100);
  const plane = bytePlane(pixels);
  k.reset();
  const x = k.floats((batch * columns * plane) / 4);
  const bytes = bytesOf(x);
  whole(random(bytes.length), 127).forEach((v, i) => (bytes[i] = density === 1 ? 127 : Math.abs(v)));
  const group = Number(name.at(-1));
  const w = placeWeights(k, build, p, weights, scales, bias, group, plane);
  const yPlane = paddedPlane(Math.max(pixels, 2));
  const y = k.floats(batch * rows * yPlane);
  k.call(name, {
    x: x.address,
    weights: w.address,
    y: y.address,
    batch,
    xBatch: columns * plane,
    yBatch: 4 * rows * yPlane,
    rows,
    pixels,
    yPlane: 4 * yPlane,
    ...activation,
  });
  const actual: number[] = [];
  const expected: number[] = [];
  for (let row = 0; row < batch * rows; row++) {
    const n = Math.floor(row / rows);
    for (let i = 0; i < pixels; i++) {
      let sum = 0;
      for (let c = 0; c < columns; c++)
        sum += weights[(row % rows) * columns + c] * bytes[(n * columns + c) * plane + i];
      const scaled = Math.fround(Math.fround(sum * scales[row % rows]) + bias[row % rows]);
      expected.push(Math.min(Math.max(scaled, activation.min), activation.max));
      actual.push(y.f32[row * yPlane + i]);
    }
  }
  return [Float32Array.from(actual), Float32Array.from(expected)];
}

const names = ['i8_spmm_8x4', 'i8_spmm_8x2', 'i8_spmm_16x1'] as KernelName[];

describe.each(builds)('int8 kernels, %s build', async (build) => {
  const k = await loadKernels(build);

  it.each(names)('%s gives the exact sums at every tile edge, row count and density', (name) => {
    for (const density of [0, 0.2, 0.6, 1]) {
      for (const pixels of [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 20, 31, 33, 49]) {
        for (const rows of [1, 2, 3, 4, 5, 7, 8]) {
          for (const columns of [1, 2, 3, 4, 5, 6, 9]) {
            const p = { rows, columns, pixels, density };
            const [actual, expected] = run(k, build, name, p);
            expect(actual, `${name} ${JSON.stringify(p)}`).toEqual(expected);
          }
        }
      }
    }
  });

  it.each(names)('%s does batches, large sums and clamps exactly, and an activation', (name) => {
    for (const p of [
      { rows: 6, columns: 1030, pixels: 21, density: 1 },
      { rows: 7, columns: 33, pixels: 50, density: 0.4, batch: 3 },
    ]) {
      const [actual, expected] = run(k, build, name, p, { ...open, min: -50, max: 60 });
      expect(actual).toEqual(expected);
    }
    const p = { rows: 9, columns: 20, pixels: 2100, density: 0.5 };
    const [actual, sums] = run(k, build, name, p, { ...open, activation: unaryFunctions.indexOf('silu') });
    // the kernels' exponential is good to a few units in the last place
    expect(relativeError(actual, activateInPlace(sums, { fn: 'silu' }))).toBeLessThan(1e-6);
  });

  it('rounds to the nearest step, ties to even, and clamps to 0…127', () => {
    for (const pixels of [1, 3, 16, 17, 40]) {
      for (const [zero, scale] of [
        [0, 20],
        [64, 2],
        [127, 0.5],
        [3, 1e20],
      ]) {
        const planes = 3;
        const xPlane = paddedPlane(Math.max(pixels, 2));
        const values = randomFloats(pixels + zero)(planes * xPlane, 150 / scale);
        [NaN, Infinity, -Infinity, 0, -0, 0.5 / scale, 1.5 / scale, 2.5 / scale, -2.5 / scale, 3e38].forEach((v, i) => {
          values[(7 * i) % values.length] = v;
        });
        k.reset();
        const x = k.floats(values);
        const plane = bytePlane(pixels);
        const y = k.floats((planes * plane) / 4);
        const shape = { planes, pixels, xPlane: 4 * xPlane, yPlane: plane, scale, zero };
        k.call('i8_quantise', { x: x.address, y: y.address, ...shape });
        for (let i = 0; i < planes * pixels; i++) {
          const at = Math.floor(i / pixels) * plane + (i % pixels);
          const v = values[Math.floor(i / pixels) * xPlane + (i % pixels)];
          const scaled = Number.isNaN(v) ? -Infinity : Math.fround(v * Math.fround(scale));
          const clamped = Math.min(Math.max(scaled, -zero), 127 - zero);
          const floor = Math.floor(clamped);
          const rest = clamped - floor;
          const nearest = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
          // adding zero and the magic number rounds once: ties go to the even of the sum
          const tie = rest === 0.5 ? ((floor + zero) % 2 === 0 ? floor : floor + 1) : nearest;
          expect(bytesOf(y)[at], `${v} × ${scale} + ${zero}`).toBe(tie + zero);
        }
      }
    }
  });

  it('refuses weights of another group, and zero points that are not steps', () => {
    k.reset();
    const x = k.floats(64);
    const y = k.floats(64);
    const shape = { planes: 1, pixels: 4, xPlane: 64, yPlane: 16, scale: 1 };
    for (const zero of [-1, 128, 0.5, NaN]) {
      expect(() => k.extents('i8_quantise', { x: x.address, y: y.address, ...shape, zero })).toThrow(/zero point/);
    }
    const p = { rows: 4, columns: 2, pixels: 4, density: 1 };
    const w = placeWeights(k, build, p, new Int32Array(8).fill(1), new Float32Array(4), new Float32Array(4), 2, 16);
    const args = { batch: 1, xBatch: 0, yBatch: 0, rows: 4, pixels: 4, yPlane: 32, ...open };
    expect(() => k.extents('i8_spmm_8x4', { x: x.address, y: y.address, weights: w.address, ...args })).toThrow(
      /groups of 4/,
    );
  });
});
