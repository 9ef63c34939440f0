import { beforeAll, describe, expect, it } from 'vitest';
import { softmax } from '../../src/ops/softmax.ts';
import { elementCount } from '../../src/tensor.ts';
import { builds, loadKernels, randomFloats, relativeError, type Kernels } from '../kernels/wasm.ts';
import { placementsOf, runOperator } from './run-operator.ts';

const random = randomFloats(13);

describe('softmax shape rule', () => {
  const x = { shape: [2, 3], dtype: 'float32' as const };

  it('keeps the shape', () => {
    expect(softmax.infer({ axis: 1, beta: 1 }, [x])).toEqual([[2, 3]]);
  });

  it('says which input or attribute does not fit', () => {
    expect(() => softmax.infer({ axis: 2, beta: 1 }, [x])).toThrow('axis 2 is not an axis of shape [2,3]');
    expect(() => softmax.infer({ axis: -1, beta: 1 }, [x])).toThrow('axis -1 is not an axis of shape [2,3]');
    expect(() => softmax.infer({ axis: 0, beta: 1 }, [x, x])).toThrow('expected 1 input, got 2');
    expect(() => softmax.infer({ axis: 0, beta: 1 }, [{ ...x, dtype: 'uint8' }])).toThrow('must be float32');
  });
});

it('the reference gives known values', () => {
  const x = { shape: [2, 2], data: Float32Array.of(0, Math.log(3), 1000, 1000) };
  const [{ data }] = softmax.evaluate({ axis: 1, beta: 1 }, [x], [[2, 2]]);
  expect(relativeError(data, [0.25, 0.75, 0.5, 0.5])).toBeLessThan(1e-6);
  const [columns] = softmax.evaluate({ axis: 0, beta: 2 }, [{ ...x, data: Float32Array.of(0, 1, 1, 1) }], [[2, 2]]);
  const e2 = Math.exp(2);
  expect(relativeError(columns.data, [1 / (1 + e2), 0.5, e2 / (1 + e2), 0.5])).toBeLessThan(1e-6);
});

it('is placed over an input that dies', () => {
  const value = { shape: [1, 2, 3, 3], storage: 'planes' as const };
  expect(placementsOf(softmax, { axis: 1, beta: 1 }, [value], [value], ['x0'])).toEqual([['y0', 'x0']]);
  expect(placementsOf(softmax, { axis: 1, beta: 1 }, [value], [value], [])).toEqual([]);
  const flat = { ...value, storage: 'flat' as const };
  expect(placementsOf(softmax, { axis: 1, beta: 1 }, [value], [flat], ['x0'])).toEqual([]);
});

describe.each(builds)('softmax, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  const shapes = [
    [1],
    [5],
    [3, 17],
    [2, 16, 35],
    [1, 4, 16, 21],
    [2, 3, 5, 7],
    [2, 3, 1, 1],
    [1, 2, 3, 2, 4],
    [2, 3, 2, 3, 2, 3],
  ];
  for (const shape of shapes) {
    const layouts = shape.length === 4 ? (['planes', 'flat'] as const) : (['flat'] as const);
    for (const axis of shape.keys()) {
      it(`[${shape}] along ${axis}`, () => {
        for (const from of layouts) {
          for (const to of [...layouts, 0]) {
            const x = { shape, data: random(elementCount(shape), 10), storage: from };
            const { actual, expected } = runOperator(kernels, softmax, { axis, beta: 1 }, [x], [to]);
            // 20 in the exponent, rounded to f32, and a sum.
            expect(relativeError(actual[0], expected[0])).toBeLessThan(2e-6);
          }
        }
      });
    }
  }

  it.each(Array.from({ length: 36 }, (_, n) => n))('%i long, as rows and as columns', (n) => {
    const data = random(3 * n, 10);
    for (const [shape, axis] of [
      [[3, n], 1],
      [[n, 3], 0],
      [[3, n], 0],
    ] as [number[], number][]) {
      for (const beta of [1, 0.5, -2]) {
        const { actual, expected } = runOperator(kernels, softmax, { axis, beta }, [{ shape, data }], [0]);
        expect(relativeError(actual[0], expected[0])).toBeLessThan(4e-6);
      }
    }
  });

  it('sums thousands', () => {
    const x = { shape: [2, 8400], data: random(16800, 3) };
    const { actual, expected } = runOperator(kernels, softmax, { axis: 1, beta: 1 }, [x]);
    expect(relativeError(actual[0], expected[0])).toBeLessThan(1e-5);
    const columns = runOperator(kernels, softmax, { axis: 0, beta: 1 }, [{ ...x, shape: [8400, 2] }]);
    expect(relativeError(columns.actual[0], columns.expected[0])).toBeLessThan(1e-5);
  });

  it.each([
    ['large numbers', [1e4, 1e4 - 1, -1e4, 0, 1e4]],
    ['minus infinity among others', [-Infinity, 1, 2, -Infinity, 3]],
    ['NaN', [1, NaN, 2, 3, 4]],
    ['NaN first', [NaN, 1, 2, 3, 4]],
    ['infinity', [1, Infinity, 2, 3, 4]],
    ['nothing but minus infinity', [-Infinity, -Infinity, -Infinity, -Infinity, -Infinity]],
  ])('agrees with the reference on %s', (_, values) => {
    const data = Float32Array.from(values);
    for (const shape of [
      [1, 5],
      [5, 1],
    ]) {
      const axis = shape[0] === 1 ? 1 : 0;
      const { actual, expected } = runOperator(kernels, softmax, { axis, beta: 1 }, [{ shape, data }]);
      expect(relativeError(actual[0], expected[0])).toBeLessThan(1e-6);
    }
    // Beside a second column of ordinary numbers, so that lanes do not mix.
    const pairs = Float32Array.from(values.flatMap((v, i) => [v, i / 3]));
    const { actual, expected } = runOperator(kernels, softmax, { axis: 0, beta: 1 }, [{ shape: [5, 2], data: pairs }]);
    expect(relativeError(actual[0], expected[0])).toBeLessThan(1e-6);
  });
});
