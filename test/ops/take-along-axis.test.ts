import { beforeAll, describe, expect, it } from 'vitest';
import { takeAlongAxis } from '../../src/ops/take-along-axis.ts';
import { elementCount } from '../../src/tensor.ts';
import { builds, type Kernels, loadKernels, randomFloats } from '../kernels/wasm.ts';
import { expectLoweredLikeEvaluated, runOperator } from './run-operator.ts';

const random = randomFloats(29);
const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('takeAlongAxis shape rule', () => {
  it('broadcasts the other axes', () => {
    const infer = (x: number[], indices: number[], axis: number) =>
      takeAlongAxis.infer({ axis }, [type(...x), type(...indices)])[0];
    expect(infer([2, 7, 5], [2, 3, 5], 1)).toEqual([2, 3, 5]);
    expect(infer([2, 7, 1], [1, 3, 5], 1)).toEqual([2, 3, 5]);
    expect(infer([7], [20], 0)).toEqual([20]);
  });

  it('says what does not fit', () => {
    const infer = (x: number[], indices: number[], axis = 1) =>
      takeAlongAxis.infer({ axis }, [type(...x), type(...indices)]);
    expect(() => infer([2, 7], [2, 3], 2)).toThrow('axis 2 must be 0…1');
    expect(() => infer([2, 7], [3])).toThrow('indices of shape [3] for a tensor of shape [2,7]');
    expect(() => infer([2, 7], [3, 4])).toThrow('do not broadcast');
  });
});

it('the reference gives known values', () => {
  const x = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const of = (axis: number, indices: number[], shape: number[], made = shape) => [
    ...takeAlongAxis.evaluate({ axis }, [x, { shape, data: Float32Array.from(indices) }], [made])[0].data,
  ];
  expect(of(1, [2, 0, 1, -1], [2, 2])).toEqual([3, 1, 5, 6]);
  expect(of(0, [1, 0, 1], [1, 3])).toEqual([4, 2, 6]);
  expect(of(1, [2], [1, 1], [2, 1])).toEqual([3, 6]);
  expect(of(1, [1.9, -0.9, 9, -9, NaN], [1, 5], [2, 5])).toEqual([2, 1, 3, 1, 1, 5, 4, 6, 4, 4]);
});

describe.each(builds)('takeAlongAxis, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  /** Integers in and around an axis of that size. */
  const indices = (shape: number[], size: number) => ({
    shape,
    data: random(elementCount(shape)).map((v) => Math.floor((size + 1) * v)),
  });

  it.each([
    [[2, 6, 5, 5], [2, 3, 5, 5], 1],
    [[2, 6, 5, 5], [2, 6, 1, 1], 1],
    [[2, 6, 5, 5], [1, 6, 1, 1], 1],
    [[2, 6, 5, 5], [2, 6, 5, 9], 3],
    [[2, 6, 5, 5], [1, 1, 7, 1], 2],
    [[2, 1, 5, 1], [2, 6, 7, 3], 2],
    [[3, 6, 5, 4], [2, 6, 5, 4], 0],
    [[9], [4], 0],
    [[1, 200, 4], [1, 30, 1], 1],
    [[1, 200, 4], [1, 30, 4], 1],
    [[5, 140], [9, 1], 0],
    [[5, 140], [9, 140], 0],
    [[2, 3, 2, 3, 2], [2, 3, 4, 3, 2], 2],
  ])('matches evaluation of shape %j by indices of shape %j along axis %i', (shape, indexShape, axis) => {
    const x = { shape, data: random(elementCount(shape)) };
    expectLoweredLikeEvaluated(kernels, takeAlongAxis, { axis }, [x, indices(indexShape, shape[axis])]);
  });

  it('stays inside, whatever the indices are', () => {
    const x = { shape: [7], data: random(7) };
    const data = Float32Array.of(NaN, Infinity, -Infinity, 1e30, -1e30, 6.9, -0.5, -7.5, 2 ** 31, -(2 ** 31), 7, -8);
    expectLoweredLikeEvaluated(kernels, takeAlongAxis, { axis: 0 }, [x, { shape: [12], data }]);
  });

  it('copies runs where one index stands for them', () => {
    const x = { shape: [1, 50, 4], data: random(200) };
    const { steps } = runOperator(kernels, takeAlongAxis, { axis: 1 }, [x, indices([1, 9, 1], 50)]);
    expect(steps.map(({ args }) => [args.run, args.d2])).toEqual([[4, 9]]);
  });
});
