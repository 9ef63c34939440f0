// Linear layers of one pixel an image, called one by one: guard bands and poison around everything they write.
import { describe, expect, it } from 'vitest';
import { packGemm, packSpmm } from '../../src/lower/pack.ts';
import { tiles } from '../../src/program/tiles.ts';
import { dequantised, packQuantised } from '../../src/lower/quantise.ts';
import type { Constant } from '../../src/program/program.ts';
import { constantBytes } from '../../src/program/constants.ts';
import { activationArguments } from '../../src/program/activations.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { createKernels } from '../../src/kernels.ts';
import { placeConstant } from '../../bench/place.ts';
import { builds, loadKernels, randomFloats, relativeError } from './wasm.ts';

// f32 sums in another order than the reference's f64 sums
const tolerance = 1e-5;

interface LinearCase {
  rows: number;
  columns: number;
  batch: number;
  weights: Float32Array;
  bias: Float32Array;
  x: Float32Array;
  /** Floats from one image to the next. */
  xBatch: number;
  yBatch: number;
}

/** Random weights, zeros in blocks; some rows are all zeros when few are kept. */
function layerOf(rows: number, columns: number, batch: number, density: number, block: number[], seed = 1): LinearCase {
  const random = randomFloats(seed + rows + 40 * columns);
  const draw = random(rows * columns);
  const weights = random(rows * columns).map((w, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const first = (row - (row % block[0])) * columns + column - (column % block[1]);
    return (draw[first] + 1) / 2 < density ? w : 0;
  });
  const xBatch = columns + (batch > 1 ? 3 : 0);
  const x = random((batch - 1) * xBatch + columns);
  return { rows, columns, batch, weights, bias: random(rows), x, xBatch, yBatch: rows + (batch > 1 ? 2 : 0) };
}

/** Sums, and for each the sum of the weights' magnitudes. */
function reference({ rows, columns, batch, bias, x, xBatch }: LinearCase, weights: Float32Array) {
  const sums: number[] = [];
  const magnitudes: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < rows; row++) {
      let sum = bias[row];
      let magnitude = 0;
      for (let c = 0; c < columns; c++) {
        sum += weights[row * columns + c] * x[n * xBatch + c];
        magnitude += Math.abs(weights[row * columns + c]);
      }
      sums.push(sum);
      magnitudes.push(magnitude);
    }
  }
  return { sums, magnitudes };
}

const constants: Record<string, (l: LinearCase) => Constant> = {
  f32_linear_dense: (l) => packGemm(l.rows, l.columns, l.weights, l.bias, tiles.linear.dense.rows),
  f32_linear_sparse: (l) => packSpmm(l.rows, l.columns, 1, l.weights, l.bias, 0, 0),
  f32_linear_sparse_4: (l) => packSpmm(l.rows, l.columns, 4, l.weights, l.bias, 0, 0),
  i8_linear: (l) => packQuantised(l.rows, l.columns, 8, l.weights, l.bias),
  i4_linear: (l) => packQuantised(l.rows, l.columns, 4, l.weights, l.bias),
};
const names = Object.keys(constants) as KernelName[];

const taps = (channels: number): Constant => ({
  form: 'taps',
  taps: {
    channels,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    channelBytes: 4,
    phaseBytes: 0,
    rowBytes: 0,
  },
});

describe.each(builds)('linear kernels, %s build', async (build) => {
  const k = await loadKernels(build);
  const raw = await createKernels({ build });

  /** The bytes that a constant expands to, as floats. */
  const expanded = (constant: Constant, columns: number): Float32Array => {
    raw.reset();
    const address = placeConstant(raw, constant, placeConstant(raw, taps(columns)));
    return raw.floats(address, constantBytes(constant) / 4).slice();
  };

  /** Runs a kernel; returns its outputs image by image. */
  function run(name: KernelName, l: LinearCase, activation = activationArguments(undefined)): number[] {
    const { rows, columns, batch, yBatch } = l;
    const constant = constants[name](l);
    k.reset();
    const bytes = expanded(constant, columns);
    const weights = k.floats(bytes.length, { constant, largest: 4 * (columns - 1) });
    // by bits: NaN would lose its own
    weights.i32.set(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length));
    let x = k.floats(l.x).address;
    if (constant.form === 'quantised') {
      const input = k.floats((batch * (16 + 32 * Math.ceil(columns / 16))) / 4);
      k.call('i16_linear_input', { x, y: input.address, batch, xBatch: 4 * l.xBatch, columns });
      x = input.address;
    }
    const y = k.floats((batch - 1) * yBatch + rows);
    k.call(name, {
      x,
      weights: weights.address,
      y: y.address,
      batch,
      xBatch: 4 * l.xBatch,
      yBatch: 4 * yBatch,
      rows,
      columns,
      ...activation,
    });
    for (let n = 1; n < batch; n++) {
      expect([...y.f32.subarray((n - 1) * yBatch + rows, n * yBatch)], `${name} between images`).toEqual([NaN, NaN]);
    }
    return Array.from({ length: batch }, (_, n) => [...y.f32.subarray(n * yBatch, n * yBatch + rows)]).flat();
  }

  function check(name: KernelName, l: LinearCase): void {
    const { rows, columns, batch } = l;
    const what = `${name} ${rows}×${columns} batch ${batch}`;
    const actual = run(name, l);
    const constant = constants[name](l);
    if (constant.form !== 'quantised') {
      expect(relativeError(actual, reference(l, l.weights).sums), what).toBeLessThan(tolerance);
      return;
    }
    // an input errs by half a step of 16 bits at most; then sums are of integers, and round at the end
    const { sums, magnitudes } = reference(l, dequantised(constant));
    const largest = Math.max(...sums.map(Math.abs));
    sums.forEach((sum, i) => {
      const bound = 0.51 * (magnitudes[i] / 32767) + tolerance * largest;
      expect(Math.abs(actual[i] - sum), `${what} [${i}]`).toBeLessThanOrEqual(bound);
    });
  }

  it.each(names)('%s meets the reference at every number of rows and columns', (name) => {
    for (const density of [0, 0.1, 0.5, 1]) {
      for (const rows of [1, 2, 3, 4, 5, 7, 8, 13, 27, 28, 29, 31, 32, 55, 56, 57, 85]) {
        for (const columns of [1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33, 64, 100]) {
          check(name, layerOf(rows, columns, 1, density, name.startsWith('i') ? [1, 16] : [1, 1]));
        }
      }
    }
  });

  it.each(names)('%s meets the reference at every batch from 1 to 33', (name) => {
    for (let batch = 1; batch <= 33; batch++) {
      for (const [rows, columns] of [
        [5, 37],
        [30, 16],
      ]) {
        check(name, layerOf(rows, columns, batch, 0.6, [1, 16]));
      }
    }
  });

  it.each(names)('%s does not overflow over many columns, and skips far', (name) => {
    for (const columns of [2047, 2048, 2049, 4200, 9000]) {
      const l = layerOf(3, columns, 5, 1, [1, 16]);
      // the largest sums: all of one sign and size
      check(name, { ...l, weights: l.weights.fill(1), x: l.x.fill(1) });
      check(name, layerOf(3, columns, 1, 0.003, [1, 16]));
    }
  });

  it.each(names)('%s clamps and activates, exact to the element', (name) => {
    const l = layerOf(30, 20, 5, 1, [1, 1]);
    const { sums } = reference(l, l.weights);
    const clamped = run(name, l, activationArguments({ fn: 'clamp', alpha: 0, beta: 1 }));
    const loose = name.startsWith('f') ? tolerance : 0.5; // rounded weights: checks only the clamp
    expect(
      relativeError(
        clamped,
        sums.map((v) => Math.min(Math.max(v, 0), 1)),
      ),
    ).toBeLessThan(loose);
    expect(Math.min(...clamped)).toBe(0);
    expect(Math.max(...clamped)).toBe(1);
    const plain = run(name, l);
    const activated = run(name, l, activationArguments({ fn: 'sigmoid' }));
    expect(
      relativeError(
        activated,
        plain.map((v) => 1 / (1 + Math.exp(-v))),
      ),
    ).toBeLessThan(1e-6);
  });

  it.each(names)('%s gives nothing finite for inputs that are not', (name) => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const l = layerOf(9, 33, 5, 1, [1, 1]);
      l.x[2 * l.xBatch + 32] = bad;
      run(name, l).forEach((v, i) => expect(Number.isFinite(v), `${bad} ${i}`).toBe(Math.floor(i / 9) !== 2));
    }
  });

  it.each(['i8_linear', 'i4_linear'] as KernelName[])('%s keeps the accuracy of inputs of any size', (name) => {
    for (const size of [0, 1e-33, 1e-30, 1e-3, 1e30]) {
      const l = layerOf(9, 40, 5, 1, [1, 1]);
      const scaled = { ...l, x: l.x.map((v) => v * size), bias: l.bias.map((v) => v * size) };
      const { sums } = reference(scaled, dequantised(constants[name](l) as never));
      // 16 bits of input
      const largest = Math.max(...sums.map(Math.abs));
      const error = Math.max(...run(name, scaled).map((v, i) => Math.abs(v - sums[i])));
      expect(error, `${size}`).toBeLessThanOrEqual(1e-4 * largest);
    }
  });
});
