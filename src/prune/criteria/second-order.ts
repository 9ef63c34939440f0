// Removes the weights for which the others can compensate best, and adjusts the others. reconstruct.ts has the mathematics.
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
  /** Ranks one channel after the other by the loss of the layers that read it, refitted on the calibration images. */
  async rank(graph, spaces, options) {
    const { secondOrderRankings } = await import('../channels/second-order-ranking.ts');
    return secondOrderRankings(graph, spaces, options);
  },
} as const satisfies Criterion;
