import { describe, expect, it } from 'vitest';
import { sparsityWithin } from '../../../src/prune/distribution/budget.ts';
import type { Budget, Costs } from '../../../src/prune/distribution/budget.ts';

const dense = { weights: 1000, ms: 10 };
const costsAt = (s: number): Costs => ({
  weights: 1000 * (1 - s),
  macs: 2000 * (1 - s),
  ms: 2 + 8 * (1 - s),
  bytes: 4000 * (1 - s),
});
const within = (budget: Budget) => sparsityWithin('net', budget, costsAt, dense);

describe('sparsityWithin', () => {
  it.each<[Budget, number]>([
    [{ kind: 'sparsity', value: 0.37 }, 0.37],
    [{ kind: 'macs', value: 1000 }, 0.5],
    [{ kind: 'bytes', value: 1000 }, 0.75],
    [{ kind: 'latencyMs', value: 4 }, 0.75],
    [{ kind: 'speedup', value: 2.5 }, 0.75],
    [{ kind: 'speedup', value: 1 }, 0],
    [{ kind: 'macs', value: 5000 }, 0],
  ])('finds for %j the sparsity %f, never less', (budget, wanted) => {
    const found = within(budget);
    expect(found).toBeGreaterThanOrEqual(wanted - 1e-12);
    expect(found).toBeLessThan(wanted + 0.0011);
  });

  it.each<[Budget, RegExp]>([
    [{ kind: 'latencyMs', value: 1 }, /^net: a predicted latency of 1 ms cannot be reached: the best is 2\.0[89] ms/],
    [{ kind: 'speedup', value: 9 }, /speed-up of 9 cannot be reached: the best is 4\.80/],
    [{ kind: 'bytes', value: 7 }, /size of 7 bytes cannot be reached: the best is 4\d bytes/],
    [{ kind: 'macs', value: 3 }, /multiply-adds of 3 cannot be reached: the best is 2\d/],
    [{ kind: 'sparsity', value: -0.1 }, /sparsity -0\.1: wanted/],
  ])('explains why %j is invalid', (budget, message) => {
    expect(() => within(budget)).toThrow(message);
  });
});
