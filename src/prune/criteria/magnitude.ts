// The simplest criterion: small weights matter least.
import type { Criterion } from './criterion.ts';
import { magnitudeScores } from './magnitude-scores.ts';

export const magnitude = {
  name: 'magnitude',
  needsSamples: false,
  score: ({ weights, blocks }) => magnitudeScores(weights, blocks),
  /** Ranks by all weights that make or read a channel; all layers count equally. */
  async rank(graph, spaces) {
    const { channelMagnitudes, rankedByScores } = await import('../channels/scores.ts');
    return spaces.map((space) => rankedByScores(space, channelMagnitudes(graph, space)));
  },
} as const satisfies Criterion;
