// Kernels on values in bytes, bit for bit, between guard bands.
import { describe, expect, it } from 'vitest';
import { roundHalfToEven } from '../../src/graph/activation.ts';
import { poolRowBytes } from '../../src/program/kernels/pool.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import type { Kernels, Region } from './wasm.ts';
import { builds, loadKernels, randomFloats } from './wasm.ts';

const f = Math.fround;
const bytesOf = (region: Region) => new Uint8Array(region.f32.buffer, region.address, region.bytes);

/** Words of random bytes: the extremes are among them. */
function randomBytes(k: Kernels, words: number, seed: number, most = 255): Region {
  const region = k.floats(words);
  const random = randomFloats(seed)(4 * words, 1);
  bytesOf(region).set(random.map((v) => Math.min(Math.max(Math.round((v * 0.55 + 0.5) * most), 0), most)));
  return region;
}

interface Steps {
  zero: number;
  low: number;
  high: number;
}

/** A float as a byte, as all kernels round it. */
const byteOf = (v: number, { zero, low, high }: Steps) =>
  roundHalfToEven(Math.min(Math.max(v, low - zero), high - zero)) + zero;

const grids: Steps[] = [
  { zero: 0, low: 0, high: 127 },
  { zero: 37, low: 0, high: 255 },
  { zero: 128, low: 128, high: 255 },
  { zero: 255, low: 3, high: 250 },
];

const counts = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 49];

describe.each(builds)('byte kernels, %s build', async (build) => {
  const k = await loadKernels(build);

  it.each(grids)('i8_from_f32 rounds planes of floats to words, for zero $zero', (steps) => {
    for (const pixels of counts) {
      for (const channels of [1, 2, 3, 4, 5, 8, 11]) {
        k.reset();
        const [xPlane, yPlane] = [pixels + 5, pixels + (pixels % 3)];
        const quads = Math.ceil(channels / 4);
        const values = randomFloats(pixels + channels)(channels * xPlane, 3);
        values.set([NaN, Infinity, -Infinity, 0.5, 1.5, -0.5, 1e30].slice(0, pixels));
        const x = k.floats(values);
        const y = k.floats((quads - 1) * yPlane + pixels);
        const scale = f(1 / 0.017);
        k.call('i8_from_f32', {
          x: x.address,
          y: y.address,
          channels,
          pixels,
          xPlane: 4 * xPlane,
          yPlane: 4 * yPlane,
          scale,
          ...steps,
        });
        for (let c = 0; c < channels; c++) {
          for (let i = 0; i < pixels; i++) {
            const v = f(values[c * xPlane + i] * scale);
            const expected = byteOf(Number.isNaN(v) ? -Infinity : v, steps);
            const actual = bytesOf(y)[4 * ((c >> 2) * yPlane + i) + (c & 3)];
            if (actual !== expected)
              expect(`${actual}`, `${channels}×${pixels} at ${c}, ${i}: ${v}`).toBe(`${expected}`);
          }
        }
      }
    }
  });

  it.each(['pixels', 'channels'])('i8_from_bytes takes bytes by %s, signed or not', (order) => {
    for (const pixels of counts) {
      for (const channels of [1, 2, 3, 4, 5, 8, 11]) {
        for (const shift of [0, 128]) {
          k.reset();
          const yPlane = pixels + (pixels % 3);
          const quads = Math.ceil(channels / 4);
          // rows of pixels or channels may lie apart
          const [xPixel, xChannel] = order === 'pixels' ? [channels + (pixels % 2), 1] : [1, pixels + (channels % 2)];
          const values = 1 + (pixels - 1) * xPixel + (channels - 1) * xChannel;
          const x = randomBytes(k, Math.ceil((values + 3) / 4), pixels + channels);
          const y = k.floats((quads - 1) * yPlane + pixels);
          const fields = { x: x.address, y: y.address, channels, pixels, xPixel, xChannel, yPlane: 4 * yPlane, shift };
          k.call('i8_from_bytes', fields);
          for (let c = 0; c < channels; c++) {
            for (let i = 0; i < pixels; i++) {
              const expected = (bytesOf(x)[i * xPixel + c * xChannel] + shift) & 255;
              const actual = bytesOf(y)[4 * ((c >> 2) * yPlane + i) + (c & 3)];
              if (actual !== expected) expect(actual, `${channels}×${pixels} at ${c}, ${i}`).toBe(expected);
            }
          }
        }
      }
    }
  });

  it('i8_to_f32 gives the number that each byte stands for', () => {
    for (const pixels of counts) {
      for (const channels of [1, 2, 3, 4, 5, 8, 11]) {
        k.reset();
        const [xPlane, yPlane] = [pixels + 5, pixels + (pixels % 3)];
        const x = randomBytes(k, Math.ceil(channels / 4) * xPlane, pixels + channels);
        const y = k.floats((channels - 1) * yPlane + pixels);
        const [scale, zero] = [f(0.0173), 131];
        k.call('i8_to_f32', {
          x: x.address,
          y: y.address,
          channels,
          pixels,
          xPlane: 4 * xPlane,
          yPlane: 4 * yPlane,
          scale,
          zero,
        });
        const expected = Array.from({ length: channels * pixels }, (_, n) => {
          const [c, i] = [Math.floor(n / pixels), n % pixels];
          return f((bytesOf(x)[4 * ((c >> 2) * xPlane + i) + (c & 3)] - zero) * scale);
        });
        const actual = expected.map((_, n) => y.f32[Math.floor(n / pixels) * yPlane + (n % pixels)]);
        expect(actual).toEqual(expected);
      }
    }
  });

  it('i8_table looks every byte up, in place too', () => {
    for (const words of [...counts, 64, 130]) {
      for (const most of [127, 255]) {
        for (const inPlace of [false, true]) {
          k.reset();
          const x = randomBytes(k, words, words, most);
          const table = randomBytes(k, 64, 77);
          const y = inPlace ? x : k.floats(words);
          const expected = Array.from(bytesOf(x), (byte) => bytesOf(table)[byte]);
          k.call('i8_table', { x: x.address, table: table.address, y: y.address, words }, !inPlace);
          if (!inPlace) expect(Array.from(bytesOf(y))).toEqual(expected);
        }
      }
    }
    k.reset();
    const x = k.integers(
      Array.from({ length: 64 }, (_, i) => (4 * i) | ((4 * i + 1) << 8) | ((4 * i + 2) << 16) | ((4 * i + 3) << 24)),
    );
    const table = randomBytes(k, 64, 5);
    const y = k.floats(64);
    k.call('i8_table', { x: x.address, table: table.address, y: y.address, words: 64 });
    expect(Array.from(bytesOf(y))).toEqual(Array.from(bytesOf(table)));
  });

  it.each(grids)(
    'i8_binary adds and multiplies, with a word for each other or one for a plane, for zero $zero',
    (steps) => {
      for (const words of counts) {
        for (const multiply of [0, 1]) {
          for (const bStep of [0, 4]) {
            k.reset();
            const [planes, aPlane, bPlane, yPlane] = [3, words + 4, bStep ? words + 2 : 1, words + 1];
            const a = randomBytes(k, planes * aPlane, words);
            const b = randomBytes(k, planes * bPlane, words + 1);
            const y = k.floats((planes - 1) * yPlane + words);
            const numbers = { aZero: 30, bZero: 200, aFactor: 766509, bFactor: -395313, shift: 20, scale: f(0.0041) };
            k.call('i8_binary', {
              a: a.address,
              b: b.address,
              y: y.address,
              planes,
              words,
              aPlane: 4 * aPlane,
              bPlane: 4 * bPlane,
              yPlane: 4 * yPlane,
              bStep,
              multiply,
              ...numbers,
              ...steps,
            });
            const expected: number[] = [];
            const actual: number[] = [];
            for (let n = 0; n < planes; n++) {
              for (let i = 0; i < 4 * words; i++) {
                const p = bytesOf(a)[4 * n * aPlane + i] - numbers.aZero;
                const q = bytesOf(b)[4 * n * bPlane + (bStep ? i : i % 4)] - numbers.bZero;
                const sum = (p * numbers.aFactor + q * numbers.bFactor) / 2 ** numbers.shift;
                const v = multiply ? f(p * q * numbers.scale) : Math.floor(sum + 0.5);
                expected.push(byteOf(v, steps));
                actual.push(bytesOf(y)[4 * n * yPlane + i]);
              }
            }
            expect(actual, `${words} ${multiply} ${bStep}`).toEqual(expected);
          }
        }
      }
    },
  );

  it.each(grids)('i8_mean averages each channel, for zero $zero', (steps) => {
    for (const pixels of [...counts, 196, 4000]) {
      k.reset();
      const [planes, xPlane, xZero] = [3, pixels + 3, 11];
      const x = randomBytes(k, planes * xPlane, pixels);
      const y = k.floats(planes);
      const scale = f(0.83 / pixels);
      k.call('i8_mean', {
        x: x.address,
        y: y.address,
        planes,
        pixels,
        xPlane: 4 * xPlane,
        yPlane: 4,
        xZero,
        scale,
        ...steps,
      });
      const expected = Array.from({ length: 4 * planes }, (_, c) => {
        let sum = 0;
        for (let i = 0; i < pixels; i++) sum += bytesOf(x)[4 * (Math.floor(c / 4) * xPlane + i) + (c % 4)] - xZero;
        return byteOf(f(f(sum) * scale), steps);
      });
      expect(Array.from(bytesOf(y))).toEqual(expected);
    }
  });

  const windows = [
    { xHeight: 1, xWidth: 1, kernel: 1, stride: 1, top: 0, left: 0 },
    { xHeight: 5, xWidth: 7, kernel: 3, stride: 1, top: 1, left: 1 },
    { xHeight: 6, xWidth: 9, kernel: 3, stride: 2, top: 1, left: 0 },
    { xHeight: 13, xWidth: 13, kernel: 5, stride: 1, top: 2, left: 2 },
    { xHeight: 8, xWidth: 10, kernel: 4, stride: 3, top: 2, left: 3 },
  ];

  it.each(windows)('pools take the largest and the mean of $kernel×$kernel windows over $xHeight×$xWidth', (window) => {
    const { xHeight, xWidth, kernel, stride, top, left } = window;
    const height = Math.floor((xHeight + 2 * top - kernel) / stride) + 1;
    const width = Math.floor((xWidth + 2 * left - kernel) / stride) + 1;
    const [planes, xPlane] = [3, xHeight * xWidth + 4];
    const yPlane = height * width === 1 ? 1 : height * width + 3;
    for (const [divisor, steps] of [
      [0, grids[0]],
      [0, grids[1]],
      [kernel * kernel, grids[3]],
    ] as const) {
      k.reset();
      const x = randomBytes(k, planes * xPlane, xHeight + kernel);
      const largest = k.floats(planes * yPlane);
      const means = k.floats(planes * yPlane);
      const common = {
        x: x.address,
        xPlane: 4 * xPlane,
        xHeight,
        xWidth,
        yPlane: 4 * yPlane,
        height,
        width,
        kernelH: kernel,
        kernelW: kernel,
        strideH: stride,
        strideW: stride,
        top,
        left,
      };
      const pool = {
        ...common,
        y: largest.address,
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        channels: planes,
        dilationH: 1,
        dilationW: 1,
        min: 0,
        max: 0,
        activation: 0,
        alpha: 0,
        beta: 0,
      };
      const scratch = k.floats(poolRowBytes({ ...pool, kernelW: kernel }) / 4);
      k.call('i8_max_pool' as KernelName, { ...pool, scratch: scratch.address });
      const [xZero, scale] = [20, f(0.77)];
      k.call('i8_average_pool', { ...common, y: means.address, planes, divisor, xZero, scale, ...steps });
      for (let c = 0; c < 4 * planes; c++) {
        for (let i = 0; i < height * width; i++) {
          const inside: number[] = [];
          for (let n = 0; n < kernel * kernel; n++) {
            const row = Math.floor(i / width) * stride - top + Math.floor(n / kernel);
            const column = (i % width) * stride - left + (n % kernel);
            if (row < 0 || row >= xHeight || column < 0 || column >= xWidth) continue;
            inside.push(bytesOf(x)[4 * ((c >> 2) * xPlane + row * xWidth + column) + (c & 3)]);
          }
          const at = 4 * ((c >> 2) * yPlane + i) + (c & 3);
          expect(bytesOf(largest)[at]).toBe(Math.max(...inside));
          const sum = inside.reduce((a, b) => a + b - xZero, 0);
          expect(bytesOf(means)[at]).toBe(byteOf(f(sum * f(scale / (divisor || inside.length))), steps));
        }
      }
    }
  });

  it('i8_channels takes channels from anywhere, and keeps the first ones', () => {
    for (const pixels of counts) {
      for (const keep of [0, 1, 2, 3]) {
        k.reset();
        const [xPlane, yPlane, planes] = [pixels + 4, pixels + 1, 3];
        const x = randomBytes(k, 4 * xPlane, pixels);
        const y = randomBytes(k, (planes - 1) * yPlane + pixels, 3);
        const before = Array.from(bytesOf(y));
        const from = Array.from({ length: 4 * planes }, (_, i) => (7 * i + 3) % 16);
        const table = k.integers(from.map((c) => 4 * (c >> 2) * xPlane + (c & 3)));
        k.call('i8_channels', {
          x: x.address,
          from: table.address,
          y: y.address,
          planes,
          pixels,
          yPlane: 4 * yPlane,
          keep,
        });
        for (let c = 0; c < 4 * planes; c++) {
          for (let i = 0; i < pixels; i++) {
            const at = 4 * ((c >> 2) * yPlane + i) + (c & 3);
            const source = 4 * ((from[c] >> 2) * xPlane + i) + (from[c] & 3);
            expect(bytesOf(y)[at]).toBe(c < keep ? before[at] : bytesOf(x)[source]);
          }
        }
      }
    }
  });
});
