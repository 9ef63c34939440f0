// Additive scores of channels: the share of each in its space.
import type { Graph } from '../../graph/graph.ts';
import { weightsOf } from '../layers.ts';
import type { ChannelRanking } from './ranking.ts';
import type { ChannelSpace } from './spaces.ts';
import { dimensionsOf, weightsThatRead } from './uses.ts';

/** Ranks channels by score, lowest first. */
export function rankedByScores(space: ChannelSpace, scores: Float64Array): ChannelRanking {
  const order = Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b] || a - b);
  const total = scores.reduce((sum, score) => sum + score, 0) || 1;
  const losses = [0];
  for (const channel of order) losses.push(losses.at(-1)! + scores[channel] / total);
  return { space, order, losses };
}

/**
 * For each channel, its share of a layer's squared weights, summed over the layers that make or read it. All layers count
 * equally.
 */
export function channelMagnitudes(graph: Graph, space: ChannelSpace): Float64Array {
  const scores = new Float64Array(space.size);
  const add = (weights: Float32Array, of: readonly Int32Array[]): void => {
    const own = of.map((list) => list.reduce((sum, i) => sum + weights[i] ** 2, 0));
    const total = own.reduce((sum, score) => sum + score, 0);
    if (total > 0) own.forEach((score, channel) => (scores[channel] += score / total));
  };
  for (const use of [...space.producers, ...space.depthwise]) {
    const { columns } = dimensionsOf(graph, use.layer);
    const rows = use.positions.map((list) =>
      Int32Array.from(
        { length: list.length * columns },
        (_, i) => list[Math.floor(i / columns)] * columns + (i % columns),
      ),
    );
    add(weightsOf(graph, { name: use.layer }), rows);
  }
  for (const use of space.consumers) {
    add(weightsOf(graph, { name: use.layer }), weightsThatRead(use, dimensionsOf(graph, use.layer)));
  }
  return scores;
}
