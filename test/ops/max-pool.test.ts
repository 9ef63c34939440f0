import { describe, expect, it } from 'vitest';
import { maxPool, type MaxPoolAttributes } from '../../src/ops/max-pool.ts';
import { sizes } from '../kernels/planes.ts';
import { builds, loadKernels, randomFloats } from '../kernels/wasm.ts';
import { bits, runOperator, type Input } from './run-operator.ts';

const base: MaxPoolAttributes = {
  kernel: [2, 2],
  stride: [2, 2],
  dilation: [1, 1],
  pads: [0, 0, 0, 0],
  ceilMode: false,
};
const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

const size = (attributes: Partial<MaxPoolAttributes>, h: number, w: number) =>
  maxPool.infer({ ...base, ...attributes }, [type(1, 3, h, w)])[0].slice(2);

describe('max pool shape rule', () => {
  it('follows ONNX', () => {
    expect(size({}, 7, 8)).toEqual([3, 4]);
    expect(size({ ceilMode: true }, 7, 8)).toEqual([4, 4]);
    expect(size({ kernel: [5, 5], stride: [1, 1], pads: [2, 2, 2, 2] }, 20, 20)).toEqual([20, 20]);
    expect(size({ kernel: [3, 3], dilation: [2, 3] }, 9, 9)).toEqual([3, 2]);
    // A window that would start after the input is dropped.
    expect(size({ kernel: [1, 1], stride: [2, 2], ceilMode: true }, 2, 4)).toEqual([1, 2]);
    expect(size({ kernel: [3, 3], pads: [1, 1, 1, 1], ceilMode: true }, 4, 5)).toEqual([3, 3]);
  });

  it('says which input or attribute does not fit', () => {
    expect(() => size({ kernel: [5, 5] }, 4, 9)).toThrow('a window of 5 does not fit a height of 4 padded by 0 and 0');
    expect(() => size({ pads: [2, 0, 0, 0] }, 4, 4)).toThrow('padding [2,0,0,0] must be less than the 2×2 window');
    expect(() => size({ stride: [0, 1] }, 4, 4)).toThrow('positive integers');
    expect(() => maxPool.infer(base, [type(3, 4)])).toThrow('rank 4');
    expect(() => maxPool.infer(base, [undefined])).toThrow('rank 4');
  });
});

describe.each(builds)('max pool kernel, %s build', async (build) => {
  const kernels = await loadKernels(build);
  const check = (
    attributes: MaxPoolAttributes,
    shape: [number, number, number, number],
    edit?: (x: Float32Array) => void,
  ) => {
    const { kernel, dilation, pads } = attributes;
    const room = [0, 1].map((i) => shape[i + 2] + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilation[i]);
    if (Math.min(...room) < 1) return;
    const data = randomFloats(shape[2] * 31 + shape[3])(shape[0] * shape[1] * shape[2] * shape[3]);
    edit?.(data);
    const x: Input = { shape, data, storage: 'planes' };
    const { actual, expected } = runOperator(kernels, maxPool, attributes, [x], ['planes']);
    expect(bits(actual[0]), JSON.stringify([attributes, shape])).toEqual(bits(expected[0])); // no arithmetic: exact
  };

  it.each([
    [2, 2, 0],
    [3, 2, 1],
    [5, 1, 2],
  ])('matches the reference: %d×%d windows on planes of every size', (k, s, p) => {
    for (const height of sizes) {
      for (const width of sizes) {
        const pads = [p, p, p, p] as const;
        check({ ...base, kernel: [k, k], stride: [s, s], pads }, [2, 3, height, width]);
        check({ ...base, kernel: [k, k], stride: [s, s], pads, ceilMode: true }, [1, 1, height, width]);
      }
    }
  });

  it('matches the reference for every window, stride, dilation and padding', () => {
    for (const kernel of [
      [1, 1],
      [1, 3],
      [3, 2],
      [7, 7],
    ] as const) {
      for (const stride of [
        [1, 1],
        [2, 1],
        [3, 3],
        [1, 4],
      ] as const) {
        for (const dilation of [
          [1, 1],
          [2, 2],
          [1, 3],
        ] as const) {
          for (const [height, width] of [
            [1, 1],
            [2, 3],
            [7, 7],
            [9, 17],
            [13, 6],
          ]) {
            const some = { ...base, kernel, stride, dilation };
            check(some, [1, 2, height, width]);
            const reach = [0, 1].map((i) => (kernel[i] - 1) * dilation[i]);
            const pads = [reach[0] >> 1, reach[1], reach[0], reach[1] >> 1] as const;
            check({ ...some, pads, ceilMode: true }, [2, 1, height, width]);
          }
        }
      }
    }
  });

  it('lets NaN win wherever it lies in a window, and clamps', () => {
    for (let at = 0; at < 35; at++) {
      const shape: [number, number, number, number] = [1, 1, 5, 7];
      const activation = { fn: 'clamp', alpha: -0.5, beta: 0.5 } as const;
      const some = { ...base, kernel: [3, 3], stride: [1, 1], pads: [1, 1, 1, 1], activation } as const;
      const data = randomFloats(at + 1)(35);
      data[at] = NaN;
      const { actual, expected } = runOperator(
        kernels,
        maxPool,
        some,
        [{ shape, data, storage: 'planes' }],
        ['planes'],
      );
      expect([...actual[0]]).toEqual([...expected[0]]);
      expect(actual[0].filter(Number.isNaN).length).toBeGreaterThan(3);
    }
  });

  it('takes planes of infinities', () => {
    check({ ...base, kernel: [3, 3], pads: [1, 1, 1, 1] }, [1, 2, 6, 9], (x) => x.fill(-Infinity));
  });
});
