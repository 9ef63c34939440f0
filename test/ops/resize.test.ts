import { describe, expect, it } from 'vitest';
import { resize, type ResizeAttributes } from '../../src/ops/resize.ts';
import { sizes } from '../kernels/planes.ts';
import { builds, loadKernels, randomFloats, relativeError } from '../kernels/wasm.ts';
import { bits, runOperator, type Input } from './run-operator.ts';

const base: ResizeAttributes = { mode: 'nearest', size: [1, 1], coordinates: 'halfPixel', nearest: 'roundPreferFloor' };

const run = (attributes: Partial<ResizeAttributes>, height: number, width: number) => {
  const all = { ...base, ...attributes };
  const x = { shape: [1, 1, height, width], data: Float32Array.from({ length: height * width }, (_, i) => i + 1) };
  const shapes = resize.infer(all, [{ shape: x.shape, dtype: 'float32' }]);
  return [...resize.evaluate(all, [x], shapes)[0].data].map((v) => Math.round(v * 1e4) / 1e4);
};

const first = (values: number[], size: readonly [number, number]) => [
  values.slice(0, size[1]),
  Array.from({ length: size[0] }, (_, i) => values[i * size[1]]),
];

describe('resize reference, on the examples of the ONNX specification', () => {
  it('upsample_scales_linear, half pixel and align corners', () => {
    expect(run({ mode: 'linear', size: [4, 4] }, 2, 2)).toEqual([
      1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4,
    ]);
    expect(run({ mode: 'linear', size: [4, 4], coordinates: 'alignCorners' }, 2, 2)).toEqual([
      1, 1.3333, 1.6667, 2, 1.6667, 2, 2.3333, 2.6667, 2.3333, 2.6667, 3, 3.3333, 3, 3.3333, 3.6667, 4,
    ]);
  });

  it('downsample_scales_linear and _nearest, by scales that are not the ratio of the sizes', () => {
    expect(run({ mode: 'linear', size: [1, 2], scales: [0.6, 0.6] }, 2, 4)).toEqual([2.6667, 4.3333]);
    expect(run({ size: [1, 2], scales: [0.6, 0.6] }, 2, 4)).toEqual([1, 3]);
  });

  it('downsample_sizes_linear_pytorch_half_pixel', () => {
    expect(run({ mode: 'linear', size: [3, 1], coordinates: 'pytorchHalfPixel' }, 4, 4)).toEqual([1.6667, 7, 12.3333]);
  });

  it('upsample_sizes_nearest with every rounding', () => {
    const size = [8, 8] as const;
    const case8 = (attributes: Partial<ResizeAttributes>) => first(run({ ...attributes, size }, 4, 4), size);
    expect(case8({ nearest: 'ceil' })).toEqual([
      [1, 2, 2, 3, 3, 4, 4, 4],
      [1, 5, 5, 9, 9, 13, 13, 13],
    ]);
    expect(case8({ nearest: 'floor', coordinates: 'alignCorners' })).toEqual([
      [1, 1, 1, 2, 2, 3, 3, 4],
      [1, 1, 1, 5, 5, 9, 9, 13],
    ]);
    expect(case8({ nearest: 'roundPreferCeil', coordinates: 'asymmetric' })).toEqual([
      [1, 2, 2, 3, 3, 4, 4, 4],
      [1, 5, 5, 9, 9, 13, 13, 13],
    ]);
    expect(case8({})).toEqual([
      [1, 1, 2, 2, 3, 3, 4, 4],
      [1, 1, 5, 5, 9, 9, 13, 13],
    ]);
    // TFLite's half pixel: floor((x + 0.5) · scale).
    expect(case8({ nearest: 'floor', coordinates: 'tfHalfPixelForNearest' })).toEqual([
      [1, 1, 2, 2, 3, 3, 4, 4],
      [1, 1, 5, 5, 9, 9, 13, 13],
    ]);
  });

  it('says which input or attribute does not fit', () => {
    expect(() => run({ size: [0, 3] }, 2, 2)).toThrow('the output size 0×3 must be positive integers');
    expect(() => run({ size: [3, 3], scales: [-1, 1] }, 2, 2)).toThrow('scales [-1,1] must be positive');
    expect(() => resize.infer(base, [{ shape: [3, 4], dtype: 'float32' }])).toThrow('rank 4');
  });
});

const rules = ['halfPixel', 'pytorchHalfPixel', 'alignCorners', 'asymmetric', 'tfHalfPixelForNearest'] as const;

describe.each(builds)('resize kernels, %s build', async (build) => {
  const kernels = await loadKernels(build);
  const check = (attributes: ResizeAttributes, [height, width]: readonly [number, number], batch = 1, channels = 2) => {
    const shape = [batch, channels, height, width];
    const data = randomFloats(height * 31 + width)(batch * channels * height * width);
    const { actual, expected, steps } = runOperator(
      kernels,
      resize,
      attributes,
      [{ shape, data, storage: 'planes' }],
      ['planes'],
    );
    const message = JSON.stringify([attributes, shape]);
    if (attributes.mode === 'nearest') expect(bits(actual[0]), message).toEqual(bits(expected[0]));
    // Two blends with f32 weights.
    else expect(relativeError(actual[0], expected[0]), message).toBeLessThan(1e-6);
    return steps[0].kernel;
  };

  it('double planes of every size', () => {
    for (const height of sizes) {
      for (const width of sizes) {
        const kernel = check({ ...base, size: [2 * height, 2 * width] }, [height, width], 2, 2);
        expect(kernel).toBe(width < 4 ? 'f32_resize_nearest' : 'f32_upsample_2x2');
        check({ ...base, mode: 'linear', size: [2 * height, 2 * width] }, [height, width], 2, 1);
      }
    }
  });

  it.each(['nearest', 'linear'] as const)('resize between all sizes, %s', (mode) => {
    for (const from of sizes) {
      for (const to of sizes) {
        check({ ...base, mode, size: [to, 3] }, [from, 5]);
        check({ ...base, mode, size: [3, to] }, [5, from]);
        check({ ...base, mode, size: [to, to] }, [from, from], 2, 1);
      }
    }
  });

  it('know every coordinate rule and rounding', () => {
    for (const coordinates of rules) {
      for (const [h, w, size] of [
        [5, 7, [10, 3]],
        [4, 4, [8, 8]],
        [9, 13, [4, 17]],
        [3, 3, [1, 9]],
      ] as const) {
        check({ ...base, mode: 'linear', coordinates, size }, [h, w]);
        check({ ...base, mode: 'linear', coordinates, size, scales: [size[0] / h + 0.05, size[1] / w + 0.05] }, [h, w]);
        for (const nearest of ['roundPreferFloor', 'roundPreferCeil', 'floor', 'ceil'] as const) {
          check({ ...base, coordinates, nearest, size }, [h, w]);
          check({ ...base, coordinates, nearest, size, scales: [size[0] / h + 0.05, size[1] / w] }, [h, w]);
        }
      }
    }
  });

  it('take flat inputs', () => {
    const x: Input = { shape: [2, 3, 5, 4], data: randomFloats(5)(2 * 3 * 5 * 4) };
    for (const size of [
      [10, 8],
      [7, 7],
    ] as const) {
      const { actual, expected } = runOperator(kernels, resize, { ...base, size }, [x], ['planes']);
      expect(bits(actual[0])).toEqual(bits(expected[0]));
    }
  });
});
