import { beforeAll, describe, expect, it } from 'vitest';
import { matmul, type MatmulAttributes } from '../../src/ops/matmul.ts';
import { matmulBlockRows } from '../../src/program/kernels/matmul.ts';
import { elementCount } from '../../src/tensor.ts';
import { builds, type Kernels, loadKernels, randomFloats, relativeError } from '../kernels/wasm.ts';
import { type Input, runOperator } from './run-operator.ts';

const random = randomFloats(17);
const plain = { transposeA: false, transposeB: false };
const ways: MatmulAttributes[] = [
  plain,
  { transposeA: true, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: true },
];

describe('matmul shape rule', () => {
  const infer = (a: number[], b: number[], attributes = plain) =>
    matmul.infer(
      attributes,
      [a, b].map((shape) => ({ shape, dtype: 'float32' as const })),
    )[0];

  it('multiplies the last two axes and broadcasts the others', () => {
    expect(infer([2, 3], [3, 5])).toEqual([2, 5]);
    expect(infer([3, 2], [5, 3], ways[3])).toEqual([2, 5]);
    expect(infer([7, 1, 2, 3], [4, 3, 5])).toEqual([7, 4, 2, 5]);
    expect(infer([2, 3], [6, 5, 3], ways[2])).toEqual([6, 2, 5]);
  });

  it('says what does not fit', () => {
    expect(() => infer([2, 3], [2, 3])).toThrow('[2,3] · [2,3]: 3 ≠ 2');
    expect(() => infer([3, 2], [2, 3], ways[1])).toThrow('[3,2]ᵀ · [2,3]: 3 ≠ 2');
    expect(() => infer([3], [3, 5])).toThrow('a must have rank 2 or more, got [3]');
    expect(() => infer([2, 2, 3], [3, 3, 5])).toThrow('do not broadcast');
  });
});

it('the reference gives known values', () => {
  const a = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const b = { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 10, 100) };
  expect([...matmul.evaluate(plain, [a, b], [[2, 2]])[0].data]).toEqual([31, 302, 64, 605]);
  expect([...matmul.evaluate(ways[2], [a, a], [[2, 2]])[0].data]).toEqual([14, 32, 32, 77]);
  expect([...matmul.evaluate(ways[1], [b, b], [[2, 2]])[0].data]).toEqual([101, 1000, 1000, 10001]);
});

describe.each(builds)('matmul, %s build', (build) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await loadKernels(build);
  });

  const stored = (shape: number[], isTransposed: boolean) =>
    isTransposed ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;

  const operand = (shape: number[], storage: Input['storage'] = 'flat'): Input => ({
    shape,
    data: random(elementCount(shape)),
    storage,
  });

  /** Sums of k products of numbers in [−1, 1), in f32: an error of a few roundings, over the largest sum. */
  const tolerance = 3e-6;

  it.each(ways)('has the sizes of every edge of a tile: %o', (way) => {
    for (const m of [1, 2, 3, 4, 5, 7, 8, 9]) {
      for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20]) {
        for (const k of [1, 2, 3, 4, 5, 8, 19]) {
          const inputs = [operand(stored([m, k], way.transposeA)), operand(stored([k, n], way.transposeB))];
          const { actual, expected } = runOperator(kernels, matmul, way, inputs);
          expect(relativeError(actual[0], expected[0]), `${m}×${k}×${n}`).toBeLessThan(tolerance);
        }
      }
    }
  });

  it.each(ways)('reads and writes planes and rows: %o', (way) => {
    for (const [m, k, n] of [
      [3, 5, 7],
      [8, 4, 16],
      [1, 1, 1],
      [5, 1, 3],
      [16, 16, 16],
    ]) {
      const [a, b] = [stored([2, 3, m, k], way.transposeA), stored([2, 3, k, n], way.transposeB)];
      for (const from of ['flat', 'planes', 'constant'] as const) {
        for (const other of ['flat', 'planes', 'constant'] as const) {
          for (const to of ['flat', 'planes'] as const) {
            const { actual, expected } = runOperator(kernels, matmul, way, [operand(a, from), operand(b, other)], [to]);
            expect(relativeError(actual[0], expected[0]), `${from} · ${other} → ${to}`).toBeLessThan(tolerance);
          }
        }
      }
    }
  });

  it.each([
    [
      [4, 5],
      [3, 5, 6],
    ],
    [
      [3, 4, 5],
      [5, 6],
    ],
    [
      [2, 1, 4, 5],
      [3, 5, 6],
    ],
    [
      [2, 1, 3, 4, 5],
      [1, 4, 1, 5, 6],
    ],
    [
      [2, 3, 2, 4, 5],
      [3, 1, 5, 6],
    ],
  ])('broadcasts %o · %o', (a, b) => {
    for (const way of ways) {
      const inputs = [operand(stored(a, way.transposeA)), operand(stored(b, way.transposeB))];
      const { actual, expected } = runOperator(kernels, matmul, way, inputs);
      expect(relativeError(actual[0], expected[0])).toBeLessThan(tolerance);
    }
  });

  it('makes one product of many by the same matrix', () => {
    for (const [a, b, rows] of [
      [[6, 2, 4, 5], [5, 7], 48],
      [[6, 1, 5], [5, 7], 6],
      // one column is one row the other way round
      [[1, 2, 9, 5], [6, 2, 5, 1], 6],
      [[9, 5], [6, 2, 5, 1], 12],
    ]) {
      const inputs = [a, b].map((shape) => operand(shape as number[]));
      const { actual, expected, steps } = runOperator(kernels, matmul, plain, inputs);
      expect(relativeError(actual[0], expected[0])).toBeLessThan(tolerance);
      expect(steps.map(({ args }) => args.rows)).toEqual([rows]);
    }
  });

  it.each(ways)('goes through the rows in blocks: %o', (way) => {
    for (const [m, k, n] of [
      [45, 3000, 13],
      [131, 600, 9],
    ]) {
      expect(matmulBlockRows(m, k)).toBeLessThan(m);
      const inputs = [operand(stored([m, k], way.transposeA)), operand(stored([k, n], way.transposeB))];
      const { actual, expected } = runOperator(kernels, matmul, way, inputs);
      expect(relativeError(actual[0], expected[0])).toBeLessThan(1e-5);
    }
  });

  it('keeps infinities and NaN in their row and column', () => {
    const a = { shape: [5, 3], data: random(15) };
    const b = { shape: [3, 10], data: random(30) };
    a.data[4 * 3] = Infinity;
    b.data[9] = NaN;
    const { actual, expected } = runOperator(kernels, matmul, plain, [a, b]);
    expect(relativeError(actual[0], expected[0])).toBeLessThan(tolerance);
  });

  it('multiplies a value by itself', () => {
    const x = { ...operand([7, 7]), name: 'x' };
    const { actual, expected } = runOperator(kernels, matmul, ways[2], [x, x]);
    expect(relativeError(actual[0], expected[0])).toBeLessThan(tolerance);
  });
});
