import { beforeAll, describe, expect, it } from 'vitest';
import { concat } from '../../src/ops/concat.ts';
import { builds, loadKernels, type Kernels } from '../kernels/wasm.ts';
import { evaluated, random } from './dense.ts';
import { emittedKernels, expectLoweredLikeEvaluated } from './run-operator.ts';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const planes = 'planes' as const;

describe('concat', () => {
  it('adds lengths along the axis', () => {
    expect(concat.infer({ axis: 1 }, [type(2, 3, 4), type(2, 1, 4), type(2, 5, 4)])).toEqual([[2, 9, 4]]);
  });

  it('refuses inputs and attributes that do not fit', () => {
    expect(() => concat.infer({ axis: 0 }, [])).toThrow('no inputs');
    expect(() => concat.infer({ axis: 2 }, [type(2, 3)])).toThrow('axis 2 must be 0…1');
    expect(() => concat.infer({ axis: -1 }, [type(2, 3)])).toThrow('axis -1 must be 0…1');
    expect(() => concat.infer({ axis: 0 }, [type(2, 3), undefined])).toThrow('input 1 is absent');
    const other = 'input 1 of shape [3,4] must be like input 0 of shape [2,3] but for axis 0';
    expect(() => concat.infer({ axis: 0 }, [type(2, 3), type(3, 4)])).toThrow(other);
    expect(() => concat.infer({ axis: 0 }, [type(2, 3), type(2, 3, 1)])).toThrow('input 1 of shape [2,3,1]');
  });

  it('joins rows along each axis', () => {
    const a = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
    const b = { shape: [2, 2], data: Float32Array.of(5, 6, 7, 8) };
    expect([...evaluated(concat, { axis: 0 }, [a, b])[0].data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...evaluated(concat, { axis: 1 }, [a, b])[0].data]).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
  });
});

describe.each(builds)('concat, lowered, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  it.each([
    [
      1,
      [
        [1, 3, 5, 5],
        [1, 4, 5, 5],
        [1, 1, 5, 5],
      ],
    ],
    [
      1,
      [
        [2, 3, 5, 5],
        [2, 2, 5, 5],
      ],
    ],
    [
      1,
      [
        [1, 3, 1, 1],
        [1, 2, 1, 1],
      ],
    ],
    [
      2,
      [
        [1, 3, 2, 5],
        [1, 3, 4, 5],
      ],
    ],
    [
      2,
      [
        [1, 1, 2, 5],
        [1, 1, 4, 5],
      ],
    ],
    [
      3,
      [
        [2, 3, 4, 1],
        [2, 3, 4, 6],
      ],
    ],
    [
      0,
      [
        [1, 3, 4, 5],
        [2, 3, 4, 5],
      ],
    ],
    [
      1,
      [
        [1, 7, 4],
        [1, 9, 4],
      ],
    ],
    [
      2,
      [
        [1, 7, 4],
        [1, 7, 81],
      ],
    ],
    [0, [[7], [1], [5]]],
  ])('matches evaluation along axis %i of [%s] in all layouts', (axis, shapes) => {
    const inputs = shapes.map((shape, i) => random(i + 1, shape));
    expectLoweredLikeEvaluated(kernels, concat, { axis }, inputs);
  });

  it('matches evaluation when a value or a constant is given among others, and one value twice', () => {
    const x = { ...random(1, [1, 3, 4, 4]), name: 'same' };
    const constant = { ...random(2, [1, 2, 4, 4]), storage: 'constant' as const };
    expectLoweredLikeEvaluated(kernels, concat, { axis: 1 }, [x, constant, x, random(3, [1, 1, 4, 4])]);
  });

  it('moves nothing when every input can be computed in its slot', () => {
    const inputs = [random(1, [1, 3, 5, 5]), random(2, [1, 4, 5, 5])];
    const inPlanes = inputs.map((x) => ({ ...x, storage: planes }));
    expect(emittedKernels(kernels, concat, { axis: 1 }, inPlanes, [planes])).toEqual([]);
    expect(emittedKernels(kernels, concat, { axis: 1 }, inputs, ['flat'])).toEqual([]);
  });

  it('copies only inputs that could not be placed', () => {
    const x = { ...random(1, [1, 3, 5, 5]), storage: planes, name: 'same' };
    const other = { ...random(2, [1, 2, 5, 5]), storage: planes };
    const constant = { ...random(3, [1, 2, 5, 5]), storage: 'constant' as const };
    expect(emittedKernels(kernels, concat, { axis: 1 }, [x, other, x], [planes])).toEqual(['f32_copy']);
    expect(emittedKernels(kernels, concat, { axis: 1 }, [x, constant], [planes])).toEqual(['f32_copy']);
  });

  it('does not let padded planes spill into a flat neighbour', () => {
    const inputs = [random(1, [1, 1, 3, 3]), random(2, [1, 1, 2, 3])].map((x) => ({ ...x, storage: planes }));
    expect(emittedKernels(kernels, concat, { axis: 2 }, inputs, ['flat'])).toEqual(['f32_copy', 'f32_copy']);
  });
});
