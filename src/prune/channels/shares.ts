// Decides how many channels each space keeps.
import type { Graph } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { elementCount } from '../../tensor.ts';
import { layersOf, nodeOf } from '../layers.ts';
import type { ChannelRanking } from './ranking.ts';
import type { ChannelUse } from './spaces.ts';
import { dimensionsOf } from './uses.ts';

/** Number of kept channels of each space, in the order of the rankings. */
export type KeptCounts = readonly number[];

/**
 * The number of channels kept out of `size` when a share of 0 … 1 is removed: a multiple of `multiple`, and at least one. All
 * stay when the share is 0.
 */
export function keptCount(size: number, share: number, multiple: number): number {
  if (share <= 0) return size;
  const step = size > multiple ? multiple : 1;
  const kept = Math.round(((1 - share) * size) / step) * step;
  return Math.max(Math.min(step, size), Math.min(size, kept));
}

/** Removes the same share of every space's channels. */
export function uniformly(rankings: readonly ChannelRanking[], share: number, multiple: number): KeptCounts {
  return rankings.map(({ space }) => keptCount(space.size, share, multiple));
}

/**
 * The order of removal in the whole network: `multiple` channels of a space at a time, those that lose least for the work (or
 * the weights) that they save at the current sizes of the others. Each entry is the kept counts after one more step.
 */
export function cheapestFirst(
  graph: Graph,
  rankings: readonly ChannelRanking[],
  multiple: number,
  saving: 'macs' | 'weights',
): KeptCounts[] {
  const counts = rankings.map(({ space }) => space.size);
  const sizes = new Sizes(graph, saving);
  const steps: KeptCounts[] = [[...counts]];
  for (;;) {
    let [best, least, next] = [-1, Infinity, 0];
    rankings.forEach(({ space, losses }, i) => {
      const kept = nextCount(space.size, counts[i], multiple);
      if (kept === counts[i]) return;
      const [gone, now] = [space.size - kept, space.size - counts[i]];
      const saved = sizes.worth(space) * (counts[i] - kept);
      const price = (losses[gone] - losses[now]) / Math.max(saved, Number.MIN_VALUE);
      if (price < least || best < 0) [best, least, next] = [i, price, kept];
    });
    if (best < 0) return steps;
    sizes.remove(rankings[best].space, counts[best] - next);
    counts[best] = next;
    steps.push([...counts]);
  }
}

function nextCount(size: number, count: number, multiple: number): number {
  const step = size > multiple ? multiple : 1;
  return Math.max(Math.min(step, size), Math.ceil(count / step - 1) * step);
}

/** The remaining size of every layer. */
class Sizes {
  readonly #left = new Map<string, { rows: number; inputs: number; perWeight: number; groups: number }>();

  constructor(graph: Graph, saving: 'macs' | 'weights') {
    for (const { name } of layersOf(graph)) {
      const { rows, inputs, taps, groups } = dimensionsOf(graph, name);
      const pixels = elementCount(valueOf(graph, nodeOf(graph, { name }).outputs[0]).shape) / rows;
      this.#left.set(name, {
        rows,
        inputs: inputs * groups,
        perWeight: taps * (saving === 'macs' ? pixels : 1),
        groups,
      });
    }
  }

  /** The saving from removing one channel. */
  worth({ producers, depthwise, consumers }: ChannelRanking['space']): number {
    let saved = 0;
    for (const use of [...producers, ...depthwise]) {
      const { inputs, perWeight, groups } = this.#left.get(use.layer)!;
      saved += timesUsed(use) * (inputs / groups) * perWeight;
    }
    for (const use of consumers) {
      const { rows, perWeight, groups } = this.#left.get(use.layer)!;
      saved += timesUsed(use) * (rows / groups) * perWeight;
    }
    return saved;
  }

  remove({ producers, depthwise, consumers }: ChannelRanking['space'], count: number): void {
    for (const use of producers) this.#left.get(use.layer)!.rows -= count * timesUsed(use);
    for (const use of consumers) this.#left.get(use.layer)!.inputs -= count * timesUsed(use);
    for (const use of depthwise) {
      const left = this.#left.get(use.layer)!;
      const inputs = (count * timesUsed(use) * left.groups) / left.rows;
      left.rows -= count * timesUsed(use);
      left.inputs -= inputs;
      left.groups -= inputs;
    }
  }
}

function timesUsed({ positions }: ChannelUse): number {
  return positions[0]?.length ?? 0;
}
