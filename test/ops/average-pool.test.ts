import { describe, expect, it } from 'vitest';
import { averagePool, type AveragePoolAttributes } from '../../src/ops/average-pool.ts';
import { sizes } from '../kernels/planes.ts';
import { builds, loadKernels, randomFloats, relativeError } from '../kernels/wasm.ts';
import { runOperator } from './run-operator.ts';

const base: AveragePoolAttributes = {
  kernel: [3, 3],
  stride: [2, 2],
  pads: [0, 0, 0, 0],
  ceilMode: false,
  countIncludePad: false,
};

const average = (attributes: Partial<AveragePoolAttributes>, h: number, w: number) => {
  const all = { ...base, ...attributes };
  const shape = [1, 1, h, w];
  const shapes = averagePool.infer(all, [{ shape, dtype: 'float32' }]);
  const data = Float32Array.from({ length: h * w }, (_, i) => i + 1);
  return { shape: shapes[0], data: [...averagePool.evaluate(all, [{ shape, data }], shapes)[0].data] };
};

describe('average pool', () => {
  it('counts padding or not', () => {
    const pads = [1, 1, 1, 1] as const;
    expect(average({ pads }, 2, 2).data).toEqual([2.5]);
    expect(average({ pads, countIncludePad: true }, 2, 2).data[0]).toBeCloseTo(10 / 9, 6);
  });

  it('never counts positions beyond the padding', () => {
    // Windows of columns 0…2 and 2…4, of 4 columns: the last has two.
    const { shape, data } = average({ kernel: [1, 3], stride: [1, 2], ceilMode: true, countIncludePad: true }, 1, 4);
    expect(shape).toEqual([1, 1, 1, 2]);
    expect(data).toEqual([2, 3.5]);
  });
});

describe.each(builds)('average pool kernel, %s build', async (build) => {
  const kernels = await loadKernels(build);
  const check = (attributes: AveragePoolAttributes, shape: [number, number, number, number]) => {
    const { kernel, pads } = attributes;
    const room = [0, 1].map((i) => shape[i + 2] + pads[i] + pads[i + 2] - kernel[i] + 1);
    if (Math.min(...room) < 1) return;
    const data = randomFloats(shape[2] * 31 + shape[3])(shape[0] * shape[1] * shape[2] * shape[3]);
    const { actual, expected } = runOperator(
      kernels,
      averagePool,
      attributes,
      [{ shape, data, storage: 'planes' }],
      ['planes'],
    );
    // f32 sums of up to 49 numbers against f64.
    expect(relativeError(actual[0], expected[0]), JSON.stringify([attributes, shape])).toBeLessThan(1e-6);
  };

  it.each([
    [2, 2, 0],
    [3, 2, 1],
    [3, 1, 1],
    [7, 3, 2],
  ])('matches the reference: %d×%d windows on planes of every size', (k, s, p) => {
    for (const height of sizes) {
      for (const width of sizes) {
        const some = { ...base, kernel: [k, k], stride: [s, s] } as const;
        check({ ...some, pads: [p, p, p, p] }, [2, 2, height, width]);
        check({ ...some, pads: [p, 0, 0, p], ceilMode: true, countIncludePad: true }, [1, 1, height, width]);
        check({ ...some, pads: [0, p, p, 0], ceilMode: true }, [1, 1, height, width]);
      }
    }
  });

  it('matches the reference for other windows, and clamps', () => {
    for (const kernel of [
      [1, 1],
      [1, 5],
      [4, 2],
    ] as const) {
      for (const stride of [
        [1, 1],
        [2, 3],
        [4, 1],
      ] as const) {
        for (const [height, width] of [
          [1, 1],
          [2, 3],
          [7, 7],
          [9, 17],
          [13, 6],
        ]) {
          const activation = { fn: 'clamp', alpha: -0.1, beta: 0.2 } as const;
          check({ ...base, kernel, stride, activation }, [2, 2, height, width]);
        }
      }
    }
  });
});
