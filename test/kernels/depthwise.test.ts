import { describe, expect, it } from 'vitest';
import { paddedPlane } from '../../src/program/layout.ts';
import { depthwiseGeometry, packDepthwise } from '../../src/ops/depthwise.ts';
import { windowOutput } from '../../src/ops/window.ts';
import { activationArguments } from '../../src/program/activations.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { gather, loadCall, sizes, spread, type Call } from './planes.ts';
import { builds, randomFloats, relativeError } from './wasm.ts';

type Pair = readonly [number, number];

interface Case {
  size: Pair;
  kernel: Pair;
  stride?: Pair;
  dilation?: Pair;
  pads?: readonly [number, number, number, number];
  batch?: number;
  channels?: number;
  multiplier?: number;
  clamp?: readonly [number, number];
}

/** Runs one kernel and compares it with plain loops. Geometries without an output or too small for `name` are passed over. */
function check(call: Call, name: KernelName, c: Case): boolean {
  const { size, kernel, stride = [1, 1], dilation = [1, 1], pads = [0, 0, 0, 0] } = c;
  const { batch = 1, channels = 2, multiplier = 1, clamp = [-Infinity, Infinity] } = c;
  const window = { kernel, stride, dilation, pads };
  const reach = [0, 1].map((i) => size[i] + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilation[i]);
  if (Math.min(...reach) < 1) return false;
  const [height, width] = windowOutput(size, window);
  const least = name.includes('5x5') ? 4 : 1;
  if (name !== 'f32_depthwise' && (height < least || width < 4)) return false;

  const random = randomFloats(size[0] * 41 + size[1]);
  const outputs = channels * multiplier;
  const area = kernel[0] * kernel[1];
  const x = random(batch * channels * size[0] * size[1]);
  const weights = random(outputs * area);
  const bias = random(outputs);
  const xPlane = paddedPlane(size[0] * size[1]);
  const yPlane = paddedPlane(height * width);
  const { geometry, taps } = depthwiseGeometry(name, size, [height, width], window);
  const { y } = call(name, {
    x: spread(x, size[0] * size[1], xPlane),
    weights: packDepthwise(weights, bias, outputs),
    batch,
    xBatch: 4 * channels * xPlane,
    yBatch: 4 * outputs * yPlane,
    channels,
    multiplier,
    xPlane: 4 * xPlane,
    xHeight: size[0],
    xWidth: size[1],
    yPlane: 4 * yPlane,
    height,
    width,
    ...geometry,
    ...activationArguments({ fn: 'clamp', alpha: clamp[0], beta: clamp[1] }),
    ...(name === 'f32_depthwise' && { area, taps }),
  });

  const expected = new Float32Array(batch * outputs * height * width);
  for (let plane = 0; plane < batch * outputs; plane++) {
    const o = plane % outputs;
    const from = (Math.floor(plane / outputs) * channels + Math.floor(o / multiplier)) * size[0] * size[1];
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        let sum = bias[o];
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const row = i * stride[0] + ky * dilation[0] - pads[0];
            const column = j * stride[1] + kx * dilation[1] - pads[1];
            if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) continue;
            sum += weights[(o * kernel[0] + ky) * kernel[1] + kx] * x[from + row * size[1] + column];
          }
        }
        expected[(plane * height + i) * width + j] = Math.min(Math.max(sum, clamp[0]), clamp[1]);
      }
    }
  }
  const actual = gather(y, batch * outputs, height * width, yPlane);
  // f32 sums of up to 49 products against f64.
  expect(relativeError(actual, expected), JSON.stringify(c)).toBeLessThan(2e-6);
  return true;
}

describe.each(builds)('depthwise convolution, %s build', async (build) => {
  const call = await loadCall(build);

  it.each([
    ['f32_depthwise_3x3', 3, 1],
    ['f32_depthwise_3x3s2', 3, 2],
    ['f32_depthwise_5x5', 5, 1],
    ['f32_depthwise_5x5s2', 5, 2],
  ] as const)('%s matches the reference on planes of every size', (name, k, s) => {
    let run = 0;
    for (const height of sizes) {
      for (const width of sizes) {
        const some = { size: [height, width], kernel: [k, k], stride: [s, s] } as const;
        const half = (k - 1) / 2;
        run += Number(check(call, name, { ...some, pads: [half, half, half, half] }));
        run += Number(check(call, name, { ...some, pads: [0, 1, 2, 3], multiplier: 2, clamp: [-0.5, 0.75] }));
        for (const pads of [
          [1, 0, 1, 1],
          [0, 1, 0, 0],
          [1, 1, 0, 1],
          [0, 0, 1, 1],
        ] as const) {
          run += Number(check(call, name, { ...some, pads, channels: 1 }));
        }
        if (s === 1) run += Number(check(call, name, { ...some, batch: 2, channels: 1 }));
      }
    }
    expect(run).toBeGreaterThan(80);
  });

  it('f32_depthwise matches the reference on planes of every size', () => {
    for (const height of sizes) {
      for (const width of sizes) {
        const some = { size: [height, width], kernel: [3, 3] } as const;
        check(call, 'f32_depthwise', { ...some, pads: [1, 1, 1, 1] });
        check(call, 'f32_depthwise', { ...some, pads: [2, 0, 1, 3], batch: 2, multiplier: 2, clamp: [-0.5, 0.75] });
        check(call, 'f32_depthwise', { ...some, channels: 1 });
      }
    }
  });

  it('f32_depthwise matches the reference for every kernel, stride and dilation', () => {
    const kernels: Pair[] = [
      [1, 1],
      [2, 2],
      [3, 3],
      [5, 5],
      [7, 7],
      [1, 3],
      [5, 2],
      [2, 7],
    ];
    const strides: Pair[] = [
      [1, 1],
      [2, 2],
      [3, 3],
      [1, 2],
      [3, 1],
    ];
    const dilations: Pair[] = [
      [1, 1],
      [2, 2],
      [1, 2],
    ];
    for (const kernel of kernels) {
      for (const stride of strides) {
        for (const dilation of dilations) {
          for (const size of [
            [1, 1],
            [2, 3],
            [7, 7],
            [9, 17],
            [13, 6],
          ] as Pair[]) {
            const some = { size, kernel, stride, dilation } as const;
            check(call, 'f32_depthwise', some);
            check(call, 'f32_depthwise', { ...some, pads: [1, 2, 0, 3], multiplier: 2 });
            check(call, 'f32_depthwise', { ...some, pads: [6, 6, 6, 6], channels: 1, batch: 2 });
          }
        }
      }
    }
  });

  it('lets NaN through the clamp', () => {
    const { y } = call('f32_depthwise', {
      x: Float32Array.of(NaN, 2),
      weights: Float32Array.of(0.5, 1),
      batch: 1,
      xBatch: 0,
      yBatch: 0,
      channels: 1,
      multiplier: 1,
      xPlane: 0,
      xHeight: 1,
      xWidth: 2,
      yPlane: 0,
      height: 1,
      width: 2,
      rows: 0,
      columns: 0,
      strideH: 1,
      strideW: 1,
      phasesH: 1,
      phasesW: 1,
      top: 0,
      left: 0,
      ...activationArguments({ fn: 'clamp', alpha: 0, beta: 1 }),
      area: 1,
      taps: Int32Array.of(0),
    });
    expect([...y.subarray(0, 2)]).toEqual([NaN, 1]);
  });
});
