import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correct } from '../../../src/prune/criteria/correct.ts';
import { layerError } from '../../../src/prune/criteria/reconstruct.ts';
import { errorFromSamples, layerProblem } from '../layer-problem.ts';

describe('correct', () => {
  it('raises no error, and keeps zeros', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1e6),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(1, 3),
        fc.constantFrom(0, 1, 99),
        fc.constantFrom(0, 0.1, 3),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (seed, inputs, groups, dead, noise, share) => {
          const given = layerProblem(seed, { rows: 4 * groups, inputs, groups, count: 20, dead, noise });
          const pruned = given.weights.map((w, i) => ((i * 0.618) % 1 < share ? 0 : w));
          const { weights, error } = await correct({ ...given, pruned });
          const before = await layerError(given.layer, pruned, given.statistics, given.weights);
          expect(error).toBeLessThanOrEqual(before * (1 + 1e-6) + 1e-12); // scaled weights are rounded to f32
          expect(weights.every((w, i) => Number.isFinite(w) && (w === 0) === (pruned[i] === 0))).toBe(true);
        },
      ),
    );
  });

  it('restores the scale and means of channels', async () => {
    const given = layerProblem(1, { rows: 5, inputs: 6, count: 50, noise: 0 });
    const pruned = given.weights.map((w) => w / 2);
    const { weights, biasShift, error } = await correct({ ...given, pruned });
    const difference = Math.max(...weights.map((w, i) => Math.abs(w - given.weights[i])));
    expect(difference).toBeLessThan(1e-6); // of numbers around 1
    expect(error).toBeLessThan(1e-10);
    expect(errorFromSamples(given, weights, (row) => biasShift[row])).toBeLessThan(1e-10);
  });

  it('says the error that samples have with the biases it gives', async () => {
    const given = layerProblem(3, { rows: 6, inputs: 4, kernel: 3, groups: 2, count: 40 });
    const pruned = given.weights.map((w, i) => (i % 3 ? w : 0));
    const { weights, biasShift, error } = await correct({ ...given, pruned });
    expect(errorFromSamples(given, weights, (row) => biasShift[row])).toBeCloseTo(error, 5);
  });
});
