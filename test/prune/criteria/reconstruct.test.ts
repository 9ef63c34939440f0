import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { magnitudeScores } from '../../../src/prune/criteria/magnitude-scores.ts';
import { blocksToKeep, hasPattern, masked, select } from '../../../src/prune/patterns/masks.ts';
import type { Blocks, Mask } from '../../../src/prune/patterns/pattern.ts';
import { patternNamed } from '../../../src/prune/patterns/patterns.ts';
import { rowWeights } from '../../../src/prune/criteria/quadratic.ts';
import type { Quadratic } from '../../../src/prune/criteria/quadratic.ts';
import { layerError, reconstruct, secondOrder } from '../../../src/prune/criteria/reconstruct.ts';
import { errorFromSamples, layerProblem as problem } from '../layer-problem.ts';

/** How many blocks a mask keeps. */
const blocksOf = (mask: Mask, { blockOf }: Blocks) => new Set([...blockOf].filter((_, i) => mask[i] === 1)).size;

const arbitrary = fc
  .record({
    seed: fc.nat(1e6),
    rows: fc.integer({ min: 1, max: 13 }),
    inputs: fc.integer({ min: 1, max: 11 }),
    kernel: fc.constantFrom(1, 1, 3),
    groups: fc.constantFrom(1, 1, 2, 3),
    count: fc.integer({ min: 2, max: 40 }),
    rank: fc.integer({ min: 1, max: 12 }),
    noise: fc.constantFrom(0, 0.01, 0.5, 5),
    dead: fc.constantFrom(0, 0, 1, 3, 99),
    pattern: fc.constantFrom('unstructured', 'group2', 'group4', 'kernel', '1:4', '2:4', 'inputs16'),
    sparsity: fc.double({ min: 0, max: 0.99, noNaN: true }),
    ridge: fc.constantFrom(undefined, 0, 1e-6, 1e-3, 1, 100),
  })
  .map(({ rows, groups, ...rest }) => ({ rows: rows * groups, groups, ...rest }));

describe('secondOrder', () => {
  it('has the pattern, keeps as many blocks, and is never worse than magnitude with corrected biases', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ seed, pattern, sparsity, ridge, ...shape }) => {
        const given = problem(seed, shape);
        const blocks = patternNamed(pattern).blocks(given.layer);
        if (typeof blocks === 'string') return; // it does not fit the layer
        const keep = blocksToKeep(blocks, sparsity);
        const { weights, mask, error } = await secondOrder({ ...given, blocks, keep, ridge });
        const plain = select(magnitudeScores(given.weights, blocks), blocks, keep);
        expect(hasPattern(mask, blocks)).toBe(true);
        expect(blocksOf(mask, blocks)).toBe(blocksOf(plain, blocks));
        expect(weights.every((w, i) => Number.isFinite(w) && (mask[i] === 1 || w === 0))).toBe(true);
        const { layer, statistics } = given;
        const magnitude = await layerError(layer, masked(given.weights, plain), statistics, given.weights);
        expect(error).toBeLessThanOrEqual(magnitude * (1 + 1e-9) + 1e-12); // sums of f64 in another order
      }),
      { numRuns: 150 },
    );
  });

  it('removes nothing where all is kept and the networks are the same', async () => {
    const given = problem(1, { rows: 6, inputs: 10, count: 100, noise: 0 });
    const blocks = patternNamed('unstructured').blocks(given.layer);
    if (typeof blocks === 'string') throw new Error(blocks);
    const { weights, error, biasShift } = await secondOrder({ ...given, blocks, keep: blocks.count });
    const difference = Math.max(...weights.map((w, i) => Math.abs(w - given.weights[i])));
    expect(difference).toBeLessThan(1e-5); // of numbers around 1, rounded to f32
    expect(error).toBeLessThan(1e-10);
    expect(Math.max(...biasShift.map(Math.abs))).toBeLessThan(1e-4);
  });
});

describe('reconstruct', () => {
  it('finds the weights that plain gradient descent finds', async () => {
    const given = problem(4, { rows: 3, inputs: 6, count: 60, rank: 6 });
    const mask = Uint8Array.from(given.weights, (_, i) => Number(i % 3 > 0));
    const { weights, error, biasShift } = await reconstruct({ ...given, mask, ridge: 1e-9 });
    // no kept weight can be moved either way without raising the error
    for (let i = 0; i < weights.length; i++) {
      if (!mask[i]) continue;
      for (const step of [-1e-2, 1e-2]) {
        const other = weights.map((w, k) => (k === i ? w + step : w));
        expect(await layerError(given.layer, other, given.statistics, given.weights)).toBeGreaterThan(error);
      }
    }
    expect(errorFromSamples(given, weights, (row) => biasShift[row])).toBeCloseTo(error, 5);
  });

  it('says the error that samples have, with the best bias', async () => {
    for (const shape of [
      { rows: 6, inputs: 5, count: 30 },
      { rows: 6, inputs: 2, kernel: 3, groups: 3, count: 30 },
      { rows: 5, inputs: 7, count: 4 }, // fewer samples than inputs
      { rows: 5, inputs: 7, count: 50, dead: 2 },
    ]) {
      const given = problem(9, shape);
      const mask = Uint8Array.from(given.weights, (_, i) => Number(i % 2));
      const { weights, error, biasShift } = await reconstruct({ ...given, mask });
      expect(errorFromSamples(given, weights, (row) => biasShift[row])).toBeCloseTo(error, 5);
      expect(errorFromSamples(given, weights, (_, best) => best)).toBeCloseTo(error, 5);
      const kept = masked(given.weights, mask);
      expect(error).toBeLessThanOrEqual(errorFromSamples(given, kept, (_, best) => best) + 1e-9);
    }
  });

  it('keeps dense weights where inputs are dead', async () => {
    const given = problem(2, { rows: 3, inputs: 5, count: 20, dead: 5 });
    const mask = Uint8Array.from(given.weights, (_, i) => Number(i % 2));
    const { weights, error } = await reconstruct({ ...given, mask });
    expect(weights).toEqual(masked(given.weights, mask));
    expect(error).toBe(0);
  });

  it('names the layer with NaN among its weights or inputs', async () => {
    const given = problem(2, { rows: 3, inputs: 5, count: 20 });
    const mask = new Uint8Array(15).fill(1);
    const broken = given.weights.map((w, i) => (i === 7 ? NaN : w));
    await expect(reconstruct({ ...given, weights: broken, mask })).rejects.toThrow('layer "layer": weight 7 is NaN');
    given.statistics.groups[0].gram[6] = Infinity;
    await expect(reconstruct({ ...given, mask })).rejects.toThrow('layer "layer": its inputs are too large');
  });
});

describe('rowWeights', () => {
  const of = (...powers: number[][]) =>
    rowWeights(
      powers.map((power) => ({ rows: power.length, power: Float64Array.from(power) }) as unknown as Quadratic),
    );

  it('fall with the standard deviation of a row, over all groups', () => {
    const [[a, b], [c]] = of([4, 1], [16]);
    expect(a / c).toBeCloseTo(2, 2);
    expect(b / c).toBeCloseTo(4, 1);
    expect(of([7, 7], [7])).toEqual(
      Array.from({ length: 2 }, (_, i) => new Float64Array(2 - i).fill(1 / Math.sqrt(1.001))),
    );
  });

  it('are finite for rows that never change', () => {
    expect(of([0, 0])).toEqual([Float64Array.of(1, 1)]);
    expect(of([0, 2])[0][0]).toBeCloseTo(1 / Math.sqrt(1e-3), 6);
  });
});
