import { describe, expect, it } from 'vitest';
import { RandomNumbers, seedOf } from '../../src/prune/random-numbers.ts';

const draws = <T>(count: number, draw: () => T) => Array.from({ length: count }, draw);

describe('RandomNumbers', () => {
  it('gives the same numbers for the same seed, and different ones for another', () => {
    const [a, b, c] = [7, 7, 8].map((seed) => new RandomNumbers(seed));
    const first = draws(100, () => a.bits());
    expect(draws(100, () => b.bits())).toEqual(first);
    expect(draws(100, () => c.bits())).not.toEqual(first);
  });

  it('tells apart seeds beyond 32 bits, negative ones and names', () => {
    const seeds = [0, 1, -1, 2 ** 32, 2 ** 33, seedOf(0, 'a'), seedOf(0, 'b'), seedOf(1, 'a')];
    expect(new Set(seeds.map((seed) => new RandomNumbers(seed).uniform())).size).toBe(seeds.length);
  });

  it('is uniform and normal', () => {
    const random = new RandomNumbers(1);
    const n = 20_000;
    const moments = (x: number[]) => [1, 2].map((power) => x.reduce((sum, v) => sum + v ** power, 0) / n);
    const uniform = draws(n, () => random.uniform());
    expect(uniform.every((v) => v >= 0 && v < 1)).toBe(true);
    // within four standard deviations of a mean of n
    const [mean, square] = moments(uniform);
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(square - 1 / 3)).toBeLessThan(4 * Math.sqrt(4 / 45 / n));
    const [normalMean, normalSquare] = moments(draws(n, () => random.normal()));
    expect(Math.abs(normalMean)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(normalSquare - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  });

  it('shuffles every element to every place', () => {
    const random = new RandomNumbers(3);
    const seen = Array.from({ length: 4 }, () => new Set<number>());
    for (let i = 0; i < 200; i++) {
      const order = random.shuffle(Uint8Array.of(0, 1, 2, 3));
      expect([...order].toSorted()).toEqual([0, 1, 2, 3]);
      order.forEach((v, at) => seen[at].add(v));
    }
    expect(seen.map(({ size }) => size)).toEqual([4, 4, 4, 4]);
  });
});
