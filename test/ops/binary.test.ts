import { beforeAll, describe, expect, it } from 'vitest';
import type { Activation } from '../../src/program/activations.ts';
import { binary, type BinaryFunction } from '../../src/ops/binary.ts';
import { binaryFunctions } from '../../src/program/kernels/elementwise.ts';
import { elementCount } from '../../src/tensor.ts';
import { builds, loadKernels, randomFloats, relativeError, type Kernels } from '../kernels/wasm.ts';
import { placementsOf, runOperator, type Storage } from './run-operator.ts';

const random = randomFloats(12);
const float = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('binary shape rule', () => {
  it('broadcasts as NumPy does', () => {
    expect(binary.infer({ fn: 'add' }, [float(2, 3, 4), float(3, 1)])).toEqual([[2, 3, 4]]);
    expect(binary.infer({ fn: 'add' }, [float(), float(5)])).toEqual([[5]]);
    expect(binary.infer({ fn: 'add' }, [float(1, 4), float(7, 1, 1)])).toEqual([[7, 1, 4]]);
    expect(binary.infer({ fn: 'add' }, [float(0, 1), float(5)])).toEqual([[0, 5]]);
  });

  it('says which input or attribute does not fit', () => {
    expect(() => binary.infer({ fn: 'add' }, [float(2, 3), float(2, 4)])).toThrow(
      'shapes [2,3] and [2,4] do not broadcast: axis 1 is 3 and 4',
    );
    expect(() => binary.infer({ fn: 'mod' as never }, [float(2), float(2)])).toThrow('unknown function "mod"');
    expect(() => binary.infer({ fn: 'add' }, [float(2)])).toThrow('expected 2 inputs, got 1');
    expect(() => binary.infer({ fn: 'add' }, [float(2), { ...float(2), dtype: 'int32' }])).toThrow(
      'input 1 must be float32, got int32',
    );
    expect(() => binary.infer({ fn: 'add', activation: { fn: 'x' as never } }, [float(2), float(2)])).toThrow(
      'unknown activation "x"',
    );
  });
});

const value = (storage: Storage, ...shape: number[]) => ({ shape, storage });

const placed = (a: ReturnType<typeof value>, b: ReturnType<typeof value>, dying: string[]) =>
  placementsOf(binary, { fn: 'add' }, [a, b], [value('planes', 1, 2, 3, 3)], dying);

describe('binary placement', () => {
  it('writes over an input of the same shape and layout that dies', () => {
    const whole = value('planes', 1, 2, 3, 3);
    expect(placed(whole, whole, ['x0', 'x1'])).toEqual([['y0', 'x0']]);
    expect(placed(whole, whole, ['x1'])).toEqual([['y0', 'x1']]);
    expect(placed(value('flat', 1, 2, 1, 1), whole, ['x0', 'x1'])).toEqual([['y0', 'x1']]);
    expect(placed(value('flat', 1, 2, 3, 3), value('constant', 1, 2, 3, 3), ['x0', 'x1'])).toEqual([]);
    expect(placed(whole, whole, [])).toEqual([]);
  });
});

/** Pairs of shapes: every broadcast pattern of rank 4, the usual short forms, odd sizes, and ranks beyond the kernel's loops. */
const pairs: [number[], number[]][] = [
  [[], []],
  [[1], [7]],
  [[17], []],
  [[3, 5], [5]],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [2, 3, 4],
    [2, 1, 4],
  ],
  [
    [2, 3, 5, 7],
    [3, 1, 1],
  ],
  [[1, 4, 7, 7], [1]],
  [[1, 4, 1, 1], []],
  [
    [2, 1, 3, 1, 2, 3],
    [1, 2, 3, 2, 1, 3],
  ],
  [
    [2, 3, 2, 3, 2, 3],
    [1, 3, 1, 3, 1, 3],
  ],
];
for (let mask = 0; mask < 16; mask++) {
  const full = [2, 3, 4, 5];
  pairs.push([full, full.map((length, axis) => (mask & (1 << axis) ? 1 : length))]);
}
for (const size of [1, 3, 4, 5, 7, 16, 17]) {
  pairs.push([
    [1, 2, size, size],
    [1, 2, size, size],
  ]);
  pairs.push([
    [1, 2, size, size],
    [1, 2, 1, 1],
  ]);
  pairs.push([
    [1, 2, 3, size],
    [1, 2, 3, 1],
  ]);
}

const storages = (shape: number[]): Storage[] => (shape.length === 4 ? ['planes', 'flat'] : ['flat']);

describe.each(builds)('binary, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  const check = (
    fn: BinaryFunction,
    a: { shape: number[]; storage: Storage },
    b: { shape: number[]; storage: Storage },
    to: 'planes' | 'flat' | number,
    activation?: Activation,
  ) => {
    const inputs = [a, b].map((input) => ({ ...input, data: random(elementCount(input.shape), 4) }));
    if (fn === 'pow') inputs[0].data = inputs[0].data.map(Math.abs);
    const { actual, expected, steps } = runOperator(kernels, binary, { fn, activation }, inputs, [to]);
    // pow goes through a logarithm; all else is one rounding and a function.
    expect(relativeError(actual[0], expected[0])).toBeLessThan(fn === 'pow' ? 3e-6 : 1e-6);
    return steps;
  };

  for (const [a, b] of pairs) {
    it(`[${a}] with [${b}], either first, in every mix of layouts, plain and activated`, () => {
      const rank = Math.max(a.length, b.length);
      for (const to of rank === 4 ? (['planes', 'flat'] as const) : (['flat'] as const)) {
        for (const aStorage of storages(a)) {
          for (const bStorage of [...storages(b), 'constant' as const]) {
            const [left, right] = [
              { shape: a, storage: aStorage },
              { shape: b, storage: bStorage },
            ];
            check('sub', left, right, to);
            check('mul', right, left, to, { fn: 'clamp', alpha: -1, beta: 6 });
            check('prelu', left, right, to, { fn: 'sigmoid' });
          }
        }
      }
    });
  }

  it.each(binaryFunctions)('%s in place over either operand, of planes and flat', (fn) => {
    for (const storage of ['planes', 'flat'] as const) {
      for (const size of [1, 3, 4, 5, 7, 16, 17]) {
        const whole = { shape: [2, 3, size, size], storage };
        check(fn, whole, whole, 0);
        check(fn, whole, whole, 1);
        check(fn, whole, { shape: [1, 3, 1, 1], storage: 'constant' }, 0, { fn: 'silu' });
        check(fn, { shape: [], storage: 'constant' }, whole, 1);
      }
    }
  });

  it.each(Array.from({ length: 36 }, (_, n) => n))('vectors of %i', (n) => {
    for (const fn of binaryFunctions) {
      const vector = { shape: [n], storage: 'flat' as const };
      check(fn, vector, vector, 'flat');
      check(fn, vector, { shape: [], storage: 'constant' }, 'flat');
      check(fn, { shape: [1], storage: 'constant' }, vector, 'flat');
    }
  });

  it('adds whole planes in one run, padding included', () => {
    const whole = { shape: [2, 3, 5, 7], storage: 'planes' as const };
    expect(check('add', whole, whole, 'planes')[0].args).toMatchObject({ dim0: 1, dim1: 1, dim2: 1, dim3: 6 * 40 });
  });

  it('scales channels in one step of whole vectors, whichever operand comes first', () => {
    const whole = { shape: [1, 3, 5, 7], storage: 'planes' as const };
    const scale = { shape: [3, 1, 1], storage: 'constant' as const };
    for (const steps of [check('mul', whole, scale, 'planes'), check('mul', scale, whole, 'planes')]) {
      expect(steps).toHaveLength(1);
      expect(steps[0].args).toMatchObject({ dim2: 3, dim3: 36, a3: 4, b2: 4, b3: 0 });
    }
  });

  it('squares exactly where the exponent is 2', () => {
    const x = { shape: [2, 3], data: random(6, 4) };
    const two = { shape: [1], data: Float32Array.of(2), storage: 'constant' as const };
    const { actual, steps } = runOperator(kernels, binary, { fn: 'pow' }, [x, two]);
    expect([...actual[0]]).toEqual(Array.from(x.data, (v) => Math.fround(v * v)));
    expect(steps.map((step) => step.kernel)).toEqual(['f32_unary']);
  });
});
