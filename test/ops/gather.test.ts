import { beforeAll, describe, expect, it } from 'vitest';
import { gather } from '../../src/ops/gather.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { counting, evaluated, random } from './dense.ts';
import { expectLoweredLikeEvaluated } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const indices = (shape: number[], ...data: number[]) => ({
  shape,
  data: Float32Array.from(data),
  storage: 'constant' as const,
});
const of = (...data: number[]) => ({ shape: [data.length], dtype: 'int32' as const, data: Int32Array.from(data) });

describe('gather', () => {
  it('puts the shape of the indices in place of the axis', () => {
    const pairs = { shape: [2, 2], dtype: 'int64' as const, data: BigInt64Array.of(0n, 3n, -1n, -4n) };
    expect(gather.infer({ axis: 1 }, [type(2, 4, 5), pairs])).toEqual([[2, 2, 2, 5]]);
    const scalar = { shape: [], dtype: 'int32' as const, data: Int32Array.of(2) };
    expect(gather.infer({ axis: 1 }, [type(2, 4, 5), scalar])).toEqual([[2, 5]]);
  });

  it('refuses inputs and attributes that do not fit', () => {
    expect(() => gather.infer({ axis: 3 }, [type(2, 4, 5), of(0)])).toThrow('axis 3 must be 0…2');
    expect(() => gather.infer({ axis: 1 }, [type(2, 4, 5), of(0, 4)])).toThrow('index 4 lies outside the 4 elements');
    expect(() => gather.infer({ axis: 1 }, [type(2, 4, 5), of(-5)])).toThrow('index -5 lies outside the 4 elements');
    expect(() => gather.infer({ axis: 1 }, [type(2, 4, 5), of()])).toThrow('no indices');
    expect(() => gather.infer({ axis: 1 }, [type(2, 4, 5), type(3)])).toThrow('only constant indices are supported');
    expect(() => gather.infer({ axis: 1 }, [type(2, 4, 5), undefined])).toThrow('only constant indices are supported');
    const half = { ...type(1), data: Float32Array.of(0.5) };
    expect(() => gather.infer({ axis: 1 }, [type(2, 4, 5), half])).toThrow('index 0.5');
  });

  it('takes elements by index, from the end when it is negative', () => {
    const x = counting([2, 3]);
    expect([...evaluated(gather, { axis: 1 }, [x, indices([2], 2, -3)])[0].data]).toEqual([2, 0, 5, 3]);
    expect([...evaluated(gather, { axis: 0 }, [x, indices([3], 1, 1, 0)])[0].data]).toEqual([
      3, 4, 5, 3, 4, 5, 0, 1, 2,
    ]);
    expect([...evaluated(gather, { axis: 0 }, [x, indices([], -1)])[0].data]).toEqual([3, 4, 5]);
  });
});

describe.each(builds)('gather, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [[2, 6, 5, 5], 1, [3], [5, 0, -2]],
    [[3, 2, 5, 3], 0, [2], [2, 0]],
    [[2, 3, 5, 3], 2, [4], [4, 4, 0, 1]],
    [[2, 3, 5, 7], 3, [2], [6, 1]],
    [[1, 6, 5, 5], 1, [], [4]],
    [[4, 6, 5, 2], 1, [2, 3], [4, 0, 5, 1, 1, -1]],
    [[4, 6], 1, [3, 2], [4, 0, 5, 1, 1, -1]],
    [[4, 2, 3, 2, 5], 2, [2], [2, 0]],
    [[9], 0, [4], [8, -9, 3, 3]],
  ])('matches evaluation of shape [%s] along axis %i by indices of shape [%s]', (shape, axis, indexShape, data) => {
    const inputs = [random(1, shape), indices(indexShape, ...data)];
    expectLoweredLikeEvaluated(kernels, gather, { axis }, inputs);
  });
});
