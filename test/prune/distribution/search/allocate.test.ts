import { describe, expect, it } from 'vitest';
import { RandomNumbers } from '../../../../src/prune/random-numbers.ts';
import { allocate } from '../../../../src/prune/distribution/search/allocate.ts';
import { withinBudget } from '../../../../src/prune/distribution/search/evolve.ts';

const ladders = 5;
const rungs = 4;

function problem(seed: number) {
  const random = new RandomNumbers(seed);
  const table = () => Array.from({ length: ladders }, () => Array.from({ length: rungs }, () => random.uniform()));
  return { losses: table(), costs: table(), most: 0.6 + 2.4 * random.uniform() };
}

const sum = (table: number[][], choice: readonly number[]) =>
  choice.reduce((total, rung, i) => total + table[i][rung], 0);

function* choices(): Generator<number[]> {
  for (let n = 0; n < rungs ** ladders; n++) {
    yield Array.from({ length: ladders }, (_, i) => Math.floor(n / rungs ** i) % rungs);
  }
}

describe('allocate', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i))(
    'finds the least loss of all choices within the budget (%i)',
    (seed) => {
      const { losses, costs, most } = problem(seed);
      // costs are rounded up to 10⁻⁴ of what can be spent: a choice so close to the limit may be missed
      const fitting = [...choices()].filter((choice) => sum(costs, choice) <= most * (1 - 1e-3));
      const found = allocate(losses, costs, most);
      const cheapest = costs.reduce((total, ladder) => total + Math.min(...ladder), 0);
      if (cheapest > most) return expect(found).toBeUndefined();
      expect(sum(costs, found!)).toBeLessThanOrEqual(most);
      if (fitting.length === 0) return;
      expect(sum(losses, found!)).toBeLessThanOrEqual(Math.min(...fitting.map((choice) => sum(losses, choice))));
    },
  );

  it('uses up the budget completely', () => {
    expect(allocate([[0, 1], [0, 5]], [[2, 1], [2, 1]], 3)).toEqual([1, 0]); // prettier-ignore
    expect(allocate([[0, 1], [0, 5]], [[2, 1], [2, 1]], 2)).toEqual([1, 1]); // prettier-ignore
    expect(allocate([[0, 1], [0, 5]], [[2, 1], [2, 1]], 1.9)).toBeUndefined(); // prettier-ignore
  });

  it('leaves out rungs with an infinite loss', () => {
    expect(allocate([[Infinity, 1, 2]], [[1, 1, 1]], 9)).toEqual([1]);
  });
});

describe('withinBudget', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i))(
    'ends within the budget where sparser rungs cost less (%i)',
    (seed) => {
      const { losses, costs, most } = problem(seed);
      for (const ladder of costs) ladder.sort((a, b) => b - a);
      const least = costs.reduce((total, ladder) => total + ladder.at(-1)!, 0);
      const limit = Math.max(most, least);
      const random = new RandomNumbers(seed);
      const first = Array.from({ length: ladders }, () => random.below(rungs));
      const found = withinBudget(first, { losses, costs, most: limit }, random);
      expect(sum(costs, found)).toBeLessThanOrEqual(limit * (1 + 1e-9));
      // and nothing could be denser
      found.forEach((rung, i) => {
        if (rung > 0) expect(sum(costs, found.with(i, rung - 1))).toBeGreaterThan(limit);
      });
    },
  );
});
