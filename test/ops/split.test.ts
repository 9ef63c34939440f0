import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { concat } from '../../src/ops/concat.ts';
import { split } from '../../src/ops/split.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { counting, evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const planes = 'planes' as const;

describe('split', () => {
  it('gives each output its length', () => {
    expect(split.infer({ axis: 1, sizes: [1, 3] }, [type(2, 4, 5)])).toEqual([
      [2, 1, 5],
      [2, 3, 5],
    ]);
  });

  it('refuses inputs and attributes that do not fit', () => {
    expect(() => split.infer({ axis: 3, sizes: [4] }, [type(2, 4, 5)])).toThrow('axis 3 must be 0…2');
    const wrong = 'must be positive and make up the 4 elements of axis 1';
    for (const sizes of [[1, 2], [4, 1], [0, 4], [5, -1], [1.5, 2.5], []]) {
      expect(() => split.infer({ axis: 1, sizes }, [type(2, 4, 5)])).toThrow(wrong);
    }
  });

  it('cuts columns', () => {
    const [a, b] = evaluated(split, { axis: 1, sizes: [1, 2] }, [counting([2, 3])]);
    expect([...a.data]).toEqual([0, 3]);
    expect([...b.data]).toEqual([1, 2, 4, 5]);
  });

  it('is undone by concat', () => {
    const cases = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }).chain((others) =>
      fc.record({
        others: fc.constant(others),
        axis: fc.nat(others.length - 1),
        sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ others, axis, sizes }) => {
        const total = sizes.reduce((a, b) => a + b);
        const x = random(
          1,
          others.map((size, i) => (i === axis ? total : size)),
        );
        const parts = evaluated(split, { axis, sizes }, [x]);
        expect(evaluated(concat, { axis }, parts)[0]).toEqual(x);
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe.each(builds)('split, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [[1, 6, 5, 5], 1, [2, 3, 1]],
    [[2, 6, 5, 5], 1, [4, 2]],
    [[3, 2, 3, 3], 0, [1, 2]],
    [[1, 1, 5, 4], 2, [2, 3]],
    [[2, 3, 5, 4], 2, [2, 3]],
    [[2, 3, 4, 5], 3, [1, 4]],
    [[1, 7, 85], 2, [4, 1, 80]],
    [[9], 0, [4, 5]],
  ])('matches evaluation of shape [%s] along axis %i by [%s] in all layouts', (shape, axis, sizes) => {
    expectLoweredLikeEvaluated(kernels, split, { axis, sizes }, [random(1, shape)]);
  });

  it('moves nothing when the outputs are blocks of the input', () => {
    const attributes = { axis: 1, sizes: [2, 4] };
    const x = random(1, [1, 6, 5, 5]);
    const inPlanes = { ...x, storage: planes };
    expect(emittedKernels(kernels, split, attributes, [inPlanes], [planes, planes])).toEqual([]);
    expect(emittedKernels(kernels, split, attributes, [x], ['flat', 'flat'])).toEqual([]);
  });

  it('copies from a constant and from several images', () => {
    const attributes = { axis: 1, sizes: [2, 4] };
    const constant = { ...random(1, [1, 6, 5, 5]), storage: 'constant' as const };
    const images = { ...random(1, [2, 6, 5, 5]), storage: planes };
    const copies = ['f32_copy', 'f32_copy'];
    expect(emittedKernels(kernels, split, attributes, [constant], ['flat', 'flat'])).toEqual(copies);
    expect(emittedKernels(kernels, split, attributes, [images], [planes, planes])).toEqual(copies);
  });
});
