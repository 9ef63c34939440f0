// Whole-network rearrangement (SparseByteNN, Xu et al., https://arxiv.org/abs/2310.19509): permutes channels throughout a
// network so that channels that need the same weights become neighbours, and groups of neighbours keep more of the energy.
// Outputs stay the same.
import type { Graph } from '../../graph/graph.ts';
import { keptShare } from './kept.ts';
import { groupAlike, groupEvenly } from './grouping.ts';
import type { Energies } from './energies.ts';
import { type ChannelPermutations, permuteChannels } from './permute.ts';
import { channelSpaces, type ChannelSpace, type ChannelUse } from './spaces.ts';
import { groupsOf } from '../layer-nodes.ts';
import { nodeOf, weightsOf } from '../layers.ts';
import type { Pattern } from '../patterns/pattern.ts';

export interface RearrangeOptions {
  /** `group2`, `group4`, `N:M`, `inputs16`. Other patterns gain nothing, and leave the graph unchanged. */
  pattern: Pick<Pattern, 'name'>;
  /** The sparsity of each layer that will be pruned, by name. Other layers do not count. */
  sparsity: ReadonlyMap<string, number>;
  /** E x² of each input of a layer, (columns), by which w² is multiplied. Without it, only w² counts. */
  inputEnergies?: ReadonlyMap<string, ArrayLike<number>>;
  signal?: AbortSignal;
}

export interface Rearranged {
  /** The graph with channels in another order and the same results. Its masks do not fit the original graph. */
  graph: Graph;
  /** By the name of a channel space of the original graph: the old index of each channel. Unchanged spaces are not listed. */
  permutations: ChannelPermutations;
  /** By the name of a space: the share of energy kept, as a mean over the layers that depend on the space's order. */
  kept: ReadonlyMap<string, { before: number; after: number }>;
}

/** The relevant part of a pattern: rows in groups, or inputs in groups, of which some or all are kept. */
interface GroupConstraint {
  along: 'rows' | 'inputs';
  size: number;
  /** N of N:M. */
  kept?: number;
}

/** Maximum work for one space, in comparisons of two energies. Larger spaces are rearranged in parts. */
const maxComparisons = 2e9;

/**
 * Finds an order for the channels of every space that can be permuted. Takes seconds. The graph must be optimised and is not
 * changed. The same graph gives the same result.
 */
export function rearrange(graph: Graph, options: RearrangeOptions): Rearranged {
  const grouping = groupingOf(options.pattern.name);
  const permutations = new Map<string, Int32Array>();
  const kept = new Map<string, { before: number; after: number }>();
  if (!grouping) return { graph, permutations, kept };
  for (const space of channelSpaces(graph)) {
    options.signal?.throwIfAborted();
    if (space.fixed !== undefined || space.rigid !== undefined || space.size <= grouping.size) continue;
    const energies = energiesOf(graph, space, grouping, options);
    if (!energies) continue;
    const order = orderOf(energies, grouping);
    const before = keptShare(energies, grouping);
    const after = keptShare(energies, grouping, order);
    if (!(after > before)) continue;
    permutations.set(space.name, order);
    kept.set(space.name, { before, after });
  }
  return { graph: permutations.size > 0 ? permuteChannels(graph, permutations) : graph, permutations, kept };
}

function groupingOf(pattern: string): GroupConstraint | undefined {
  const group = /^group(2|4|8|16)$/.exec(pattern);
  if (group) return { along: 'rows', size: Number(group[1]) };
  const inputs = /^inputs(2|4|8|16)$/.exec(pattern);
  if (inputs) return { along: 'inputs', size: Number(inputs[1]) };
  const ratio = /^(\d+):(\d+)$/.exec(pattern);
  return ratio && ratio[1] !== ratio[2]
    ? { along: 'inputs', size: Number(ratio[2]), kept: Number(ratio[1]) }
    : undefined;
}

function orderOf({ count, positions, data, layers }: Energies, { size, kept }: GroupConstraint): Int32Array {
  const most = Math.max(size, Math.floor(maxComparisons / (count * positions)));
  const length = count <= most ? count : most - (most % size);
  const order = new Int32Array(count);
  for (let start = 0; start < count; start += length) {
    const end = Math.min(count, start + length);
    const part = { count: end - start, positions, data: data.subarray(start * positions, end * positions), layers };
    const found = kept === undefined ? groupAlike(part, size) : groupEvenly(part, kept, size);
    found.forEach((channel, i) => (order[start + i] = start + channel));
  }
  return order;
}

/** Energies of a space's channels: of its producers' rows, or of its consumers' inputs. The energies of a layer sum to 1. */
function energiesOf(
  graph: Graph,
  { size: count, producers, consumers }: ChannelSpace,
  { along }: GroupConstraint,
  { sparsity, inputEnergies }: RearrangeOptions,
): Energies | undefined {
  const uses = (along === 'rows' ? producers : consumers).filter(({ layer, positions }) => {
    // a channel of several rows or inputs is its own neighbour
    return (sparsity.get(layer) ?? 0) > 0 && positions.every(({ length }) => length === 1) && isUngrouped(graph, layer);
  });
  if (uses.length === 0) return undefined;
  const parts = uses.map((use) => ({ use, energies: layerEnergies(graph, use, along, inputEnergies?.get(use.layer)) }));
  const positions = parts.reduce((sum, { energies }) => sum + energies.length / count, 0);
  const data = new Float32Array(count * positions);
  const layers: { end: number; sparsity: number }[] = [];
  let start = 0;
  for (const { use, energies } of parts) {
    const width = energies.length / count;
    for (let c = 0; c < count; c++) data.set(energies.subarray(c * width, (c + 1) * width), c * positions + start);
    start += width;
    layers.push({ end: start, sparsity: sparsity.get(use.layer)! });
  }
  return { count, positions, data, layers };
}

/** (channels, weights of a channel) w² · E x², scaled to a sum of 1. */
function layerEnergies(
  graph: Graph,
  { layer, positions }: ChannelUse,
  along: GroupConstraint['along'],
  inputEnergies: ArrayLike<number> | undefined,
): Float32Array {
  const weights = weightsOf(graph, { name: layer });
  const [rows, inputs, kh = 1, kw = 1] = graph.values.get(nodeOf(graph, { name: layer }).inputs[1])!.shape;
  const taps = kh * kw;
  const columns = inputs * taps;
  const energyAt = (row: number, column: number) =>
    weights[row * columns + column] ** 2 * (inputEnergies ? inputEnergies[column] : 1);
  const width = along === 'rows' ? columns : rows * taps;
  const energies = new Float64Array(positions.length * width);
  positions.forEach(([position], c) => {
    for (let i = 0; i < width; i++) {
      energies[c * width + i] =
        along === 'rows' ? energyAt(position, i) : energyAt(Math.floor(i / taps), position * taps + (i % taps));
    }
  });
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  return Float32Array.from(energies, (energy) => (total > 0 ? energy / total : 0));
}

function isUngrouped(graph: Graph, layer: string): boolean {
  return groupsOf(nodeOf(graph, { name: layer })) === 1;
}
