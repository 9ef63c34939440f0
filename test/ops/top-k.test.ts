import { beforeAll, describe, expect, it } from 'vitest';
import { topK, type TopKAttributes } from '../../src/ops/top-k.ts';
import { elementCount } from '../../src/tensor.ts';
import { builds, type Kernels, loadKernels, randomFloats } from '../kernels/wasm.ts';
import { expectLoweredLikeEvaluated } from './run-operator.ts';

const random = randomFloats(23);
const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('topK shape rule', () => {
  it('shortens the axis', () => {
    expect(topK.infer({ axis: 1, k: 3, largest: true }, [type(2, 7, 5)])).toEqual([[2, 3, 5]]);
  });

  it('says what does not fit', () => {
    const infer = (attributes: Partial<TopKAttributes>) =>
      topK.infer({ axis: 1, k: 1, largest: true, ...attributes }, [type(2, 7)]);
    expect(() => infer({ axis: 2 })).toThrow('axis 2 must be 0…1');
    expect(() => infer({ k: 8 })).toThrow('8 of the 7 elements along axis 1 of shape [2,7]');
    expect(() => infer({ k: 0 })).toThrow('0 of the 7 elements');
  });
});

it('the reference gives known values', () => {
  const x = { shape: [7], data: Float32Array.of(1, 5, -0, 5, NaN, 0, -Infinity) };
  const of = (k: number, largest: boolean) => [...topK.evaluate({ axis: 0, k, largest }, [x], [[k]])[0].data];
  expect(of(7, true)).toEqual([4, 1, 3, 0, 2, 5, 6]);
  expect(of(3, true)).toEqual([4, 1, 3]);
  expect(of(7, false)).toEqual([6, 2, 5, 0, 1, 3, 4]);
});

describe.each(builds)('topK, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([true, false])('matches evaluation for every k, largest: %s', (largest) => {
    for (const n of [1, 2, 3, 4, 7, 16, 33]) {
      for (let k = 1; k <= n; k++) {
        // few different numbers: equal ones keep their order
        const data = random(n).map((v, i) => (k % 2 ? Math.round(3 * v) : v) + (i % 5 === 4 ? 0 : 1));
        expectLoweredLikeEvaluated(kernels, topK, { axis: 0, k, largest }, [{ shape: [n], data }]);
      }
    }
  });

  it.each([
    [[2, 6, 5, 3], 1],
    [[2, 6, 5, 3], 0],
    [[2, 6, 5, 3], 2],
    [[1, 3, 4, 9], 3],
    [[3, 40], 1],
    [[2, 3, 4, 2, 3], 2],
  ])('goes along any axis of shape %j: %i', (shape, axis) => {
    for (const largest of [true, false]) {
      const data = random(elementCount(shape)).map((v) => Math.round(4 * v));
      const k = Math.ceil(shape[axis] / 2);
      expectLoweredLikeEvaluated(kernels, topK, { axis, k, largest }, [{ shape, data }]);
    }
  });

  it('finds few of many', () => {
    const data = random(24_000);
    expectLoweredLikeEvaluated(kernels, topK, { axis: 1, k: 300, largest: true }, [{ shape: [1, 24_000], data }]);
  });

  it('puts NaN first, and tells neither zero nor NaN from its like', () => {
    const data = Float32Array.of(NaN, 0, -0, Infinity, -Infinity, 1e-45, -1e-45, -NaN, 3.4e38, -3.4e38, -0, NaN);
    new Int32Array(data.buffer)[7] = -1;
    for (const largest of [true, false]) {
      expectLoweredLikeEvaluated(kernels, topK, { axis: 0, k: 12, largest }, [{ shape: [12], data }]);
    }
  });
});
