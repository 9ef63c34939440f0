// Depthwise convolutions of bytes, bit for bit, in the form that the host chooses.
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { packDepthwise } from '../../src/lower/blocks.ts';
import { depthwiseBytesScratch } from '../../src/program/kernels/dots.ts';
import { paddedPlane } from '../../src/program/layout.ts';
import { requantised, toQuads } from './bytes.ts';
import type { Kernels, Region } from './wasm.ts';
import { builds, loadKernels, randomFloats } from './wasm.ts';

// V8 11.3's baseline compiler multiplies wrongly (assembly/dots/form.ts); loadModel takes the simd build there
if (Number.parseInt(process.versions.v8) < 12) v8.setFlagsFromString('--no-liftoff');

interface Convolution {
  channels: number;
  size: readonly [height: number, width: number];
  kernel: readonly [number, number];
  stride: readonly [number, number];
  /** Top, left, bottom, right. */
  pads: readonly [number, number, number, number];
  bits?: 7 | 8;
  batch?: number;
  /** Weights and inputs are as large as can be. */
  isLarge?: boolean;
  look?: boolean;
}

const bytesOf = (region: Region) => new Uint8Array(region.f32.buffer, region.address, region.bytes);

/** The kernel's bytes and the reference's. */
function run(k: Kernels, c: Convolution): [number[], number[]] {
  const { channels, kernel, stride, pads, bits = 7, batch = 1, isLarge, look } = c;
  const [xHeight, xWidth] = c.size;
  const [height, width] = [0, 1].map(
    (i) => Math.floor((c.size[i] + pads[i] + pads[i + 2] - kernel[i]) / stride[i]) + 1,
  );
  const area = kernel[0] * kernel[1];
  const random = randomFloats(channels * 100 + xWidth + area);
  const whole = (count: number, most: number) => Array.from(random(count), (v) => Math.round(v * most));
  const weights = Int8Array.from(whole(channels * area, 127), (w) => (isLarge ? 127 * Math.sign(w || 1) : w));
  const bias = whole(channels, 2000);
  const scales = Array.from(random(channels), (v) => Math.fround(Math.abs(v) / 60 / Math.sqrt(area)));
  const top = 2 ** bits - 1;
  const quads = Math.ceil(channels / 4);
  const pixels = xHeight * xWidth;
  const plane = 4 * paddedPlane(pixels);
  const images = Array.from({ length: batch }, () =>
    whole(channels * pixels, top).map((v) => (isLarge ? top : Math.abs(v))),
  );
  k.reset();
  const x = k.integers(new Int32Array((batch * quads * plane) / 4));
  images.forEach((values, n) => bytesOf(x).set(toQuads(values, channels, pixels, plane, top), n * quads * plane));
  const table = Array.from({ length: 256 }, (_, i) => (i * 37 + 11) & 255);
  const yPlane = 4 * height * width;
  const y = k.floats((batch * quads * yPlane) / 4);
  const range = { zero: 60, low: 4, high: 200 };
  const xZero = 9;
  const shape = { xWidth, width, kernelH: kernel[0], kernelW: kernel[1], strideH: stride[0], strideW: stride[1] };
  const packed = packDepthwise({ rows: channels, inputs: 1, area, weights, scales, bias, bits });
  k.call('i8_depthwise', {
    x: x.address,
    weights: k.integers(packed.data).address,
    table: k.integers(new Int32Array(Uint8Array.from(table).buffer)).address,
    scratch: k.floats(depthwiseBytesScratch(shape) / 4).address,
    y: y.address,
    batch,
    xBatch: quads * plane,
    yBatch: quads * yPlane,
    planes: quads,
    xPlane: plane,
    xHeight,
    yPlane,
    height,
    top: pads[0],
    left: pads[1],
    bits,
    xZero,
    look: look ? 1 : 0,
    ...range,
    ...shape,
  });
  const actual: number[] = [];
  const expected: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let i = 0; i < height * width; i++) {
        let sum = bias[channel];
        for (let t = 0; t < area; t++) {
          const row = Math.floor(i / width) * stride[0] - pads[0] + Math.floor(t / kernel[1]);
          const column = (i % width) * stride[1] - pads[1] + (t % kernel[1]);
          const isInside = row >= 0 && row < xHeight && column >= 0 && column < xWidth;
          sum += weights[channel * area + t] * (isInside ? images[n][channel * pixels + row * xWidth + column] : xZero);
        }
        const byte = requantised(sum, scales[channel], range);
        expected.push(look ? table[byte] : byte);
        actual.push(bytesOf(y)[(n * quads + (channel >> 2)) * yPlane + 4 * i + (channel & 3)]);
      }
    }
  }
  return [actual, expected];
}

const square = (size: number, stride: number, pad: number): Pick<Convolution, 'kernel' | 'stride' | 'pads'> => ({
  kernel: [size, size],
  stride: [stride, stride],
  pads: [pad, pad, pad, pad],
});

describe.each(builds)('depthwise convolutions of bytes, %s build', async (build) => {
  const k = await loadKernels(build);

  it.each([
    [3, 1, 1],
    [3, 2, 1],
    [3, 1, 0],
    [5, 1, 2],
    [5, 2, 2],
    [7, 1, 3],
    [2, 1, 0],
    [1, 1, 0],
    [4, 3, 2],
  ])('%s×%s kernel, stride %s: every width and height', (size, stride, pad) => {
    for (let width = 1; width <= 14; width++) {
      for (const height of [1, 2, 3, 4, 5, 8]) {
        if (Math.min(width, height) + 2 * pad < size) continue;
        const channels = 1 + ((width + height) % 9);
        const c = { channels, size: [height, width], ...square(size, stride, pad), bits: width % 2 ? 7 : 8 } as const;
        const [actual, expected] = run(k, c);
        expect(actual, JSON.stringify(c)).toEqual(expected);
      }
    }
  });

  it('uneven kernels, strides and pads, batches, tables, large sums', () => {
    const cases: Convolution[] = [
      { channels: 6, size: [7, 9], kernel: [3, 5], stride: [2, 1], pads: [0, 1, 2, 3] },
      { channels: 4, size: [5, 11], kernel: [5, 3], stride: [1, 2], pads: [4, 2, 0, 0], bits: 8 },
      { channels: 9, size: [6, 6], ...square(3, 1, 1), batch: 3, look: true },
      { channels: 3, size: [3, 3], ...square(3, 1, 2), bits: 8, look: true },
      { channels: 5, size: [30, 61], ...square(3, 1, 1), isLarge: true },
      { channels: 5, size: [30, 61], ...square(5, 2, 2), isLarge: true, bits: 8 },
      { channels: 4, size: [3, 2], kernel: [3, 3], stride: [1, 1], pads: [3, 4, 3, 5] },
    ];
    for (const c of cases) {
      const [actual, expected] = run(k, c);
      expect(actual, JSON.stringify(c)).toEqual(expected);
    }
  });
});
