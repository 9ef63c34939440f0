import { beforeAll, describe, expect, it } from 'vitest';
import { unary } from '../../src/ops/unary.ts';
import { elementCount } from '../../src/tensor.ts';
import { builds, loadKernels, randomFloats, relativeError, type Kernels } from '../kernels/wasm.ts';
import { placementsOf, runOperator } from './run-operator.ts';

const random = randomFloats(11);
const shapes = [
  [],
  [1],
  [35],
  [2, 3, 5],
  [1, 3, 1, 1],
  [1, 1, 7, 7],
  [2, 3, 5, 7],
  [1, 5, 16, 17],
  [2, 4, 1, 3],
  [1, 2, 2, 3, 4],
];

describe('unary shape rule', () => {
  const float = { shape: [2, 3], dtype: 'float32' as const };

  it('keeps the shape', () => {
    expect(unary.infer({ fn: 'tanh' }, [float])).toEqual([[2, 3]]);
  });

  it('says which input or attribute does not fit', () => {
    expect(() => unary.infer({ fn: 'tahn' as never }, [float])).toThrow('unknown function "tahn"');
    expect(() => unary.infer({ fn: 'tanh' }, [])).toThrow('expected 1 input, got 0');
    expect(() => unary.infer({ fn: 'tanh' }, [undefined])).toThrow('input 0 is missing');
    expect(() => unary.infer({ fn: 'tanh' }, [{ ...float, dtype: 'int64' }])).toThrow(
      'input 0 must be float32, got int64',
    );
  });
});

const at = (fn: Parameters<typeof unary.evaluate>[0]['fn'], x: number, alpha?: number, beta?: number): number =>
  unary.evaluate({ fn, alpha, beta }, [{ shape: [1], data: Float32Array.of(x) }], [[1]])[0].data[0];

describe('unary reference', () => {
  // Known values, to f32's seven digits.
  it.each([
    ['gelu', 1, 0.8413447460685429],
    ['gelu', -3, -0.0040496940949],
    ['gelu', 4, 3.999873315],
    ['sigmoid', 1, 0.7310585786300049],
    ['silu', -2, -0.2384058440442351],
    ['softplus', 0, Math.LN2],
    ['mish', 1, 0.8650983882673103],
    ['tanh', 0.5, 0.4621171572600098],
    ['rsqrt', 4, 0.5],
    ['square', -3, 9],
  ] as const)('%s(%d) is %d', (fn, x, y) => {
    expect(Math.abs(at(fn, x) - y)).toBeLessThan(1e-7 * Math.max(1, Math.abs(y)));
  });

  it('takes parameters', () => {
    expect(at('clamp', 9, 0, 6)).toBe(6);
    expect(at('leakyRelu', -2, 0.5)).toBe(-1);
    expect(at('hardSigmoid', 1, 0.25, 0.5)).toBe(0.75);
    expect(at('hardSwish', 2, 0.25, 0.5)).toBe(2);
    expect(at('elu', -1, 2)).toBeCloseTo(2 * (Math.exp(-1) - 1), 6);
  });
});

const value = (storage: 'planes' | 'flat' | 'constant', shape = [1, 2, 3, 3]) => ({ shape, storage });

const placed = (x: ReturnType<typeof value>, y: ReturnType<typeof value>, dying: string[]) =>
  placementsOf(unary, { fn: 'exp' }, [x], [y], dying);

describe('unary placement', () => {
  it('overwrites an input that dies and has the same layout', () => {
    expect(placed(value('planes'), value('planes'), ['x0'])).toEqual([['y0', 'x0']]);
    expect(placed(value('planes'), value('planes'), [])).toEqual([]);
    expect(placed(value('planes'), value('flat'), ['x0'])).toEqual([]);
    expect(placed(value('constant'), value('flat'), ['x0'])).toEqual([]);
  });
});

describe.each(builds)('unary, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  for (const shape of shapes) {
    const layouts = shape.length === 4 ? (['planes', 'flat'] as const) : (['flat'] as const);
    for (const from of layouts) {
      for (const to of [...layouts, 0]) {
        it(`[${shape}] ${from} → ${to === 0 ? 'in place' : to}`, () => {
          const x = { shape, data: random(elementCount(shape), 5), storage: from };
          const { actual, expected, steps } = runOperator(kernels, unary, { fn: 'sigmoid' }, [x], [to]);
          expect(relativeError(actual[0], expected[0])).toBeLessThan(1e-6); // one function, no sums
          expect(steps).toHaveLength(1);
        });
      }
    }
  }

  it('runs over planes as one run, padding included', () => {
    const shape = [2, 3, 5, 7];
    const x = { shape, data: random(elementCount(shape)), storage: 'planes' as const };
    const { steps } = runOperator(kernels, unary, { fn: 'neg' }, [x], ['planes']);
    expect(steps[0].args).toMatchObject({ rows: 1, columns: 6 * 40 });
  });
});
