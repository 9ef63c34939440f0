// Removes channels: weights, biases and feature maps become smaller.
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { fixed, type Labels } from './algebra.ts';
import { analyseChannels, type ChannelAnalysis } from './spaces.ts';
import { type AxisOrders, takeChannels } from './take.ts';

/** Channels of spaces, by the spaces' names. */
export type ChannelChoice = ReadonlyMap<string, Iterable<number>>;

/**
 * A copy of the graph without these channels. Its results are exactly those of the graph with all weights that read these
 * channels set to zero. So a network whose removed channels are zero gives the same results without them.
 * Spaces are those of `channelSpaces(graph)`. The graph itself is not changed.
 * @throws FiligreeError `invalid-argument` for an unknown or fixed space, an unknown channel, and when no channel would be
 * left
 */
export function removeChannels(graph: Graph, removed: ChannelChoice): Graph {
  const analysis = analyseChannels(graph);
  const gone = chosenLabels(graph, analysis, removed);
  const keep = (labels: Labels | undefined): Int32Array | undefined => {
    if (!labels?.some((label) => gone.has(label))) return undefined;
    return Int32Array.from(labels.keys()).filter((position) => !gone.has(labels[position]));
  };
  const orders = new Map<string, AxisOrders>();
  for (const [value, axes] of analysis.labels) {
    const kept = axes.map(keep);
    if (kept.some((positions) => positions?.length === 0)) throw invalid(graph, `nothing would be left of "${value}"`);
    if (kept.some(Boolean)) orders.set(value, kept);
  }
  return takeChannels(graph, orders);
}

function chosenLabels(graph: Graph, { spaces, places }: ChannelAnalysis, removed: ChannelChoice): Set<number> {
  const chosen = spaces.map(() => new Set<number>());
  for (const [name, channels] of removed) {
    const index = spaces.findIndex((space) => space.name === name);
    if (index < 0) throw invalid(graph, `there is no channel space "${name}"`);
    const { size, fixed: why } = spaces[index];
    for (const channel of channels) {
      if (why !== undefined) throw invalid(graph, `the channels of "${name}" stay: ${why}`);
      if (!Number.isInteger(channel) || channel < 0 || channel >= size) {
        throw invalid(graph, `"${name}" has channels 0 … ${size - 1}, none is ${channel}`);
      }
      chosen[index].add(channel);
    }
    if (size > 0 && chosen[index].size === size)
      throw invalid(graph, `"${name}" would keep none of its ${size} channels`);
  }
  const labels = new Set<number>();
  for (const [label, { space, channel }] of places)
    if (label !== fixed && chosen[space].has(channel)) labels.add(label);
  return labels;
}

function invalid(graph: Graph, message: string): FiligreeError {
  return new FiligreeError('invalid-argument', `${graph.name}: ${message}`);
}
