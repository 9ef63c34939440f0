// Removes the weights whose loss the others can best make up for, and makes up for it. reconstruct.ts has the mathematics.
import type { Criterion } from './criterion.ts';

export const secondOrder = {
  name: 'second-order',
  needsSamples: true,
  async fit(problem) {
    const { reconstruct } = await import('./reconstruct.ts');
    return reconstruct(problem);
  },
  async choose(problem, keeps) {
    const [keep, ...more] = keeps;
    if (more.length > 0) {
      const { secondOrderLadder } = await import('../distribution/search/ladder.ts');
      return secondOrderLadder(problem, keeps);
    }
    const { secondOrder: chosen } = await import('./reconstruct.ts');
    return [await chosen({ ...problem, keep })];
  },
  /** By what the layers that read a channel lose on the calibration images, refitted, one channel after the other. */
  async rank(graph, spaces, options) {
    const { secondOrderRankings } = await import('../channels/second-order-ranking.ts');
    return secondOrderRankings(graph, spaces, options);
  },
} as const satisfies Criterion;
