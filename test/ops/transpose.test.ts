import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { transpose } from '../../src/ops/transpose.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated } from './run-operator.ts';

describe('transpose', () => {
  it('permutes the shape', () => {
    const x = { shape: [2, 3, 4, 5], dtype: 'float32' as const };
    expect(transpose.infer({ permutation: [0, 2, 3, 1] }, [x])).toEqual([[2, 4, 5, 3]]);
  });

  it.each([[[0, 1]], [[0, 1, 1]], [[0, 1, 3]], [[0, 1, 2, 3]]])(
    'refuses the permutation [%s] of three axes',
    (list) => {
      const x = { shape: [2, 3, 4], dtype: 'float32' as const };
      expect(() => transpose.infer({ permutation: list }, [x])).toThrow(
        `permutation [${list}] must hold every axis of the input's shape [2,3,4] once`,
      );
    },
  );

  it('turns rows into columns', () => {
    const x = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect([...evaluated(transpose, { permutation: [1, 0] }, [x])[0].data]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('moves axis permutation[i] to i', () => {
    const x = random(1, [2, 3, 4]);
    const [y] = evaluated(transpose, { permutation: [2, 0, 1] }, [x]);
    for (let a = 0; a < 2; a++) {
      for (let b = 0; b < 3; b++) {
        for (let c = 0; c < 4; c++) expect(y.data[(c * 2 + a) * 3 + b]).toBe(x.data[(a * 3 + b) * 4 + c]);
      }
    }
  });

  it('is undone by its inverse', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
    const cases = sizes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        permutation: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ shape, permutation }) => {
        const x = random(2, shape);
        const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
        const [y] = evaluated(transpose, { permutation }, [x]);
        expect(evaluated(transpose, { permutation: inverse }, [y])[0]).toEqual(x);
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe.each(builds)('transpose, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [
      [1, 3, 5, 7],
      [0, 2, 3, 1],
    ],
    [
      [2, 85, 3, 3],
      [0, 2, 3, 1],
    ],
    [
      [2, 5, 7, 3],
      [0, 3, 1, 2],
    ],
    [
      [1, 4, 6, 1],
      [0, 2, 1, 3],
    ],
    [
      [1, 1, 6, 5],
      [0, 2, 3, 1],
    ],
    [
      [2, 3, 4, 5],
      [3, 2, 1, 0],
    ],
    [
      [2, 3, 4, 5],
      [1, 0, 2, 3],
    ],
    [
      [7, 9],
      [1, 0],
    ],
    [
      [2, 3, 4, 5, 6],
      [4, 2, 0, 3, 1],
    ],
    [
      [2, 3, 2, 3, 2, 3, 2],
      [6, 4, 2, 0, 5, 3, 1],
    ],
    [
      [2, 2, 2, 2, 2, 2, 2, 2],
      [7, 6, 5, 4, 3, 2, 1, 0],
    ],
  ])('matches evaluation of shape [%s] by [%s] in all layouts', (shape, permutation) => {
    expectLoweredLikeEvaluated(kernels, transpose, { permutation }, [random(3, shape)]);
  });

  it('moves nothing when only axes of length 1 change places', () => {
    const x = random(4, [1, 6, 1, 5]);
    expect(emittedKernels(kernels, transpose, { permutation: [0, 2, 1, 3] }, [x], ['flat'])).toEqual([]);
    const column = { ...random(5, [1, 9, 1, 1]), storage: 'planes' as const };
    expect(emittedKernels(kernels, transpose, { permutation: [0, 2, 3, 1] }, [column], ['flat'])).toEqual([]);
  });

  it('copies in one step otherwise', () => {
    const x = { ...random(6, [1, 6, 5, 5]), storage: 'planes' as const };
    expect(emittedKernels(kernels, transpose, { permutation: [0, 2, 3, 1] }, [x], ['flat'])).toEqual(['f32_copy']);
  });
});
