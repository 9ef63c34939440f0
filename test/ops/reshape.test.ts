import { beforeAll, describe, expect, it } from 'vitest';
import { reshape } from '../../src/ops/reshape.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated, type Layout } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('reshape', () => {
  it('takes the shape it is told', () => {
    expect(reshape.infer({ shape: [3, 8] }, [type(2, 3, 4)])).toEqual([[3, 8]]);
    expect(reshape.infer({ shape: [] }, [type(1, 1)])).toEqual([[]]);
  });

  it('refuses inputs and attributes that do not fit', () => {
    const wrong = 'shape [3,7] has 21 elements, the input of shape [2,3,4] has 24';
    expect(() => reshape.infer({ shape: [3, 7] }, [type(2, 3, 4)])).toThrow(wrong);
    expect(() => reshape.infer({ shape: [3, -1] }, [type(2, 3, 4)])).toThrow('shape [3,-1] must be fully known');
    expect(() => reshape.infer({ shape: [0, 24] }, [type(2, 3, 4)])).toThrow('must be fully known');
  });

  it('keeps the elements in order, in a tensor of its own', () => {
    const x = random(1, [2, 3, 4]);
    const [y] = evaluated(reshape, { shape: [4, 6] }, [x]);
    expect(y).toEqual({ shape: [4, 6], data: x.data });
    expect(y.data).not.toBe(x.data);
  });
});

describe.each(builds)('reshape, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [
      [1, 6, 5, 5],
      [1, 150],
    ],
    [
      [1, 6, 5, 5],
      [1, 6, 25],
    ],
    [
      [1, 6, 5, 5],
      [1, 2, 3, 5, 5],
    ],
    [
      [1, 6, 5, 5],
      [2, 3, 5, 5],
    ],
    [
      [1, 6, 5, 5],
      [1, 5, 6, 5],
    ],
    [
      [1, 4, 6, 6],
      [1, 9, 4, 4],
    ],
    [
      [2, 4, 6, 6],
      [1, 8, 4, 9],
    ],
    [
      [2, 4, 6, 6],
      [1, 2, 144],
    ],
    [
      [2, 4, 6, 6],
      [16, 3, 6],
    ],
    [[1, 1, 6, 6], [36]],
    [[36], [1, 1, 6, 6]],
    [
      [1, 9, 1, 1],
      [1, 9],
    ],
    [
      [3, 4],
      [3, 4, 1, 1],
    ],
    [[1], []],
    [[], [1, 1, 1, 1]],
  ])('matches evaluation from [%s] to [%s] in all layouts', (from, shape) => {
    expectLoweredLikeEvaluated(kernels, reshape, { shape }, [random(1, from)]);
  });

  it.each<[number[], Layout, number[], Layout]>([
    [[2, 3, 4], 'flat', [6, 4], 'flat'],
    [[2, 9, 1, 1], 'planes', [2, 9], 'flat'],
    [[2, 9], 'flat', [2, 9, 1, 1], 'planes'],
    [[1, 6, 5, 5], 'planes', [2, 3, 5, 5], 'planes'],
    [[1, 1, 6, 6], 'planes', [36], 'flat'],
    [[36], 'flat', [1, 1, 6, 6], 'planes'],
  ])('moves nothing from [%s] in %s to [%s] in %s', (from, layout, shape, to) => {
    expect(emittedKernels(kernels, reshape, { shape }, [{ ...random(1, from), storage: layout }], [to])).toEqual([]);
  });

  it.each<[number[], Layout, number[], Layout]>([
    [[1, 6, 5, 5], 'planes', [1, 150], 'flat'],
    [[1, 150], 'flat', [1, 6, 5, 5], 'planes'],
    [[1, 1, 6, 6], 'planes', [1, 1, 4, 9], 'planes'],
  ])('copies from [%s] in %s to [%s] in %s', (from, layout, shape, to) => {
    expect(emittedKernels(kernels, reshape, { shape }, [{ ...random(1, from), storage: layout }], [to])).toEqual([
      'f32_copy',
    ]);
  });
});
