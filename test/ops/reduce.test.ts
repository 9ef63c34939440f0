import { beforeAll, describe, expect, it } from 'vitest';
import { reduce, type ReduceAttributes } from '../../src/ops/reduce.ts';
import { elementCount } from '../../src/tensor.ts';
import { builds, loadKernels, randomFloats, relativeError, type Kernels } from '../kernels/wasm.ts';
import { runOperator } from './run-operator.ts';

const random = randomFloats(14);
const functions = ['mean', 'sum', 'max', 'min'] as const;

describe('reduce shape rule', () => {
  const x = { shape: [2, 3, 4, 5], dtype: 'float32' as const };
  const infer = (attributes: Partial<ReduceAttributes>, shape: readonly number[] = x.shape) =>
    reduce.infer({ fn: 'mean', axes: [2, 3], keepDims: true, ...attributes }, [{ ...x, shape }]);

  it('keeps reduced axes as ones, or drops them', () => {
    expect(infer({})).toEqual([[2, 3, 1, 1]]);
    expect(infer({ keepDims: false })).toEqual([[2, 3]]);
    expect(infer({ axes: [0, 1, 2, 3], keepDims: false })).toEqual([[]]);
    expect(infer({ axes: [] })).toEqual([[2, 3, 4, 5]]);
  });

  it('says which input or attribute does not fit', () => {
    expect(() => infer({ axes: [4] })).toThrow('axis 4 is not an axis of shape [2,3,4,5]');
    expect(() => infer({ axes: [-1] })).toThrow('axis -1 is not an axis');
    expect(() => infer({ axes: [2, 2] })).toThrow('axes [2,2] must ascend');
    expect(() => infer({ axes: [1] }, [2, 0])).toThrow('axis 1 of shape [2,0] has nothing to reduce');
    expect(() => infer({ fn: 'median' as never })).toThrow('unknown function "median"');
    expect(() => infer({ axes: [0, 2, 4, 6] }, [2, 2, 2, 2, 2, 2, 2])).toThrow('4 separate runs of axes');
    expect(() => reduce.infer({ fn: 'sum', axes: [0], keepDims: true }, [undefined])).toThrow('input 0 is missing');
  });
});

it('the reference gives known values', () => {
  const x = { shape: [2, 3], data: Float32Array.of(1, 2, 3, -4, 5, -9) };
  const values = (fn: ReduceAttributes['fn'], axes: number[], shape: number[]) => [
    ...reduce.evaluate({ fn, axes, keepDims: false }, [x], [shape])[0].data,
  ];
  expect(values('sum', [0], [3])).toEqual([-3, 7, -6]);
  expect(values('mean', [1], [2])).toEqual([2, Math.fround(-8 / 3)]);
  expect(values('max', [0, 1], [])).toEqual([5]);
  expect(values('min', [1], [2])).toEqual([1, -9]);
});

/** Every set of axes of a shape. */
function subsets(rank: number): number[][] {
  return Array.from({ length: 2 ** rank }, (_, mask) => [...Array(rank).keys()].filter((axis) => mask & (1 << axis)));
}

describe.each(builds)('reduce, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  const check = (attributes: ReduceAttributes, shape: number[], from: 'planes' | 'flat', to: 'planes' | 'flat') => {
    const x = { shape, data: random(elementCount(shape), 5), storage: from };
    const { actual, expected, steps } = runOperator(kernels, reduce, attributes, [x], [to]);
    if (attributes.fn === 'max' || attributes.fn === 'min') {
      expect([...actual[0]]).toEqual([...expected[0]]);
      return steps;
    }
    // Sums of n numbers of magnitude 5, each addition rounded: against n, not the sum, which cancels.
    const count = attributes.axes.reduce((n, axis) => n * shape[axis], 1);
    const magnitude = 5 * (attributes.fn === 'sum' ? count : 1);
    for (const [i, e] of expected[0].entries()) expect(Math.abs(actual[0][i] - e)).toBeLessThan(1e-6 * magnitude);
    expect(actual[0]).toHaveLength(expected[0].length);
    return steps;
  };

  const shapes = [
    [7],
    [3, 17],
    [5, 1, 6],
    [2, 3, 5, 7],
    [1, 4, 7, 7],
    [2, 3, 4, 4],
    [2, 5, 1, 1],
    [2, 1, 3, 1],
    [3, 2, 4, 2, 3, 2],
  ];
  for (const shape of shapes) {
    for (const axes of subsets(shape.length)) {
      it(`[${shape}] over [${axes}], every function and layout`, () => {
        for (const fn of functions) {
          for (const keepDims of [true, false]) {
            check({ fn, axes, keepDims }, shape, 'flat', 'flat');
            if (shape.length !== 4) continue;
            check({ fn, axes, keepDims }, shape, 'planes', 'flat');
            if (!keepDims) continue;
            check({ fn, axes, keepDims }, shape, 'planes', 'planes');
            check({ fn, axes, keepDims }, shape, 'flat', 'planes');
          }
        }
      });
    }
  }

  it.each(Array.from({ length: 35 }, (_, i) => i + 1))('runs and columns of %i', (n) => {
    for (const fn of functions) {
      check({ fn, axes: [1], keepDims: false }, [3, n], 'flat', 'flat');
      check({ fn, axes: [0], keepDims: false }, [n, 3], 'flat', 'flat');
      check({ fn, axes: [0], keepDims: false }, [3, n], 'flat', 'flat');
      check({ fn, axes: [2, 3], keepDims: true }, [1, 3, 1, n], 'planes', 'flat');
    }
  });

  it.each([1, 3, 4, 5, 7, 16, 17, 33])('global average of padded planes of %i² pixels is one step', (size) => {
    const steps = check({ fn: 'mean', axes: [2, 3], keepDims: true }, [2, 5, size, size], 'planes', 'flat');
    expect(steps).toHaveLength(1);
  });

  it('sums long runs and columns of one sign precisely', () => {
    const n = 300_001;
    const data = random(n, 1).map((v) => 1 + v / 2);
    for (const shape of [
      [1, n],
      [n, 1],
    ]) {
      const axes = [0, 1];
      const { actual, expected } = runOperator(kernels, reduce, { fn: 'mean', axes, keepDims: false }, [
        { shape, data },
      ]);
      // Blocks keep the error at some 2⁻²⁴·√(n/1000) of the sum; one running f32 sum would be off by 1e-3.
      expect(relativeError(actual[0], expected[0])).toBeLessThan(2e-6);
    }
    const pairs = { shape: [50_000, 6], data: data.subarray(0, 300_000) };
    const { actual, expected } = runOperator(kernels, reduce, { fn: 'sum', axes: [0], keepDims: false }, [pairs]);
    expect(relativeError(actual[0], expected[0])).toBeLessThan(2e-6);
  });

  it('NaN and infinities come out', () => {
    for (const fn of functions) {
      for (const odd of [NaN, Infinity, -Infinity]) {
        for (const at of [0, 3, 17, 35, 36]) {
          const data = random(74);
          data[at] = odd;
          for (const [shape, axes] of [
            [[2, 37], [1]],
            [[37, 2], [0]],
          ]) {
            const { actual, expected } = runOperator(kernels, reduce, { fn, axes, keepDims: false }, [{ shape, data }]);
            expect(relativeError(actual[0], expected[0])).toBeLessThan(1e-5);
          }
        }
      }
    }
  });
});
