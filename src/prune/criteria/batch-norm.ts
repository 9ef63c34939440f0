// Network Slimming (Liu et al., https://arxiv.org/abs/1708.06519): channels with a small batch-norm scale γ matter least.
import type { Criterion } from './criterion.ts';

/** For whole channels. Uses magnitude for channels that no layer with a batch norm makes. */
export const batchNorm = {
  name: 'batch-norm',
  needsSamples: false,
  async rank(graph, spaces, { imported }) {
    const { batchNormScales, scaleScores } = await import('../channels/batch-norm.ts');
    const { channelMagnitudes, rankedByScores } = await import('../channels/scores.ts');
    const scales = imported ? batchNormScales(imported) : new Map<string, Float32Array>();
    return spaces.map((space) => {
      const scores = scaleScores(space, scales);
      if (scores) return rankedByScores(space, scores);
      const remark = 'no batch norm after its layers, or already folded: ranked by magnitude';
      return { ...rankedByScores(space, channelMagnitudes(graph, space)), remark };
    });
  },
} as const satisfies Criterion;
