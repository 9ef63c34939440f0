import { describe, expect, it } from 'vitest';
import { sparsify, sparsityPatterns, type SparsityPattern } from '../../models/sparsify.ts';
import { randomFloats } from '../kernels/wasm.ts';

const patterns = Object.keys(sparsityPatterns) as SparsityPattern[];
const zeros = (weights: Float32Array) => weights.filter((w) => w === 0).length;

describe.each(patterns)('pattern %s', (pattern) => {
  const group = sparsityPatterns[pattern];

  it.each([0, 0.5, 0.8, 0.95, 1])('makes %d of the weights zero and leaves the others as they are', (sparsity) => {
    const weights = randomFloats(3)(16 * 100);
    const before = weights.slice();
    const pruned = sparsify(weights, 16, { sparsity, pattern });
    expect(weights).toEqual(before);
    expect(zeros(pruned)).toBe(1600 * sparsity);
    for (let i = 0; i < 1600; i++) expect(pruned[i] === 0 || pruned[i] === weights[i]).toBe(true);
    expect(sparsify(weights, 16, { density: 1 - sparsity, pattern })).toEqual(pruned);
  });

  it('prunes the rows of a group at the same positions, and drops those of least energy', () => {
    const weights = randomFloats(4)(8 * 30);
    const pruned = sparsify(weights, 8, { sparsity: 0.7, pattern });
    const kept: number[] = [];
    const dropped: number[] = [];
    for (let row = 0; row < 8; row += group) {
      for (let column = 0; column < 30; column++) {
        const at = Array.from({ length: group }, (_, i) => (row + i) * 30 + column);
        const isZero = at.map((i) => pruned[i] === 0);
        expect(new Set(isZero).size).toBe(1);
        (isZero[0] ? dropped : kept).push(at.reduce((sum, i) => sum + weights[i] ** 2, 0));
      }
    }
    expect(Math.max(...dropped)).toBeLessThan(Math.min(...kept));
  });

  it('prunes rows beyond the last whole group by themselves', () => {
    const weights = randomFloats(5)(7 * 40);
    const pruned = sparsify(weights, 7, { sparsity: 0.5, pattern });
    const whole = 7 - (7 % group);
    expect(zeros(pruned.subarray(0, whole * 40))).toBe(whole * 20);
    expect(zeros(pruned.subarray(whole * 40))).toBe((7 - whole) * 20);
  });
});

it('keeps the first of equal magnitudes', () => {
  expect([...sparsify(Float32Array.of(1, -1, 1, 1, 2, 1), 2, { sparsity: 0.5 })]).toEqual([1, -1, 0, 0, 2, 0]);
});

it('explains an invalid target', () => {
  const weights = Float32Array.of(1, 2);
  expect(() => sparsify(weights, 1, {})).toThrow(/either sparsity or density/);
  expect(() => sparsify(weights, 1, { sparsity: 0.5, density: 0.5 })).toThrow(/either sparsity or density/);
  expect(() => sparsify(weights, 1, { sparsity: 1.5 })).toThrow(/from 0 to 1, got {"sparsity":1.5}/);
  expect(() => sparsify(weights, 1, { density: NaN })).toThrow(/from 0 to 1/);
  expect(() => sparsify(weights, 1, { sparsity: 0.5, pattern: 'group3' as never })).toThrow(
    /"group3"; patterns are unstructured, group2, group4/,
  );
});
