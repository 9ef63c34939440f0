// Whole-network rearrangement (SparseByteNN, Xu et al., https://arxiv.org/abs/2310.19509): channels change places throughout a network so that those that want
// the same weights kept become neighbours, and groups of neighbours keep more of the weight. Outputs stay.
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
  /** `group2`, `group4`, `N:M`, `inputs16`: others gain nothing, and leave the graph as it is. */
  pattern: Pick<Pattern, 'name'>;
  /** Of each layer that will be pruned, by name; layers that are left out have no say. */
  sparsity: ReadonlyMap<string, number>;
  /** E x² of each input of a layer, (columns): weights count as much as what they carry. Without it, as much as they are. */
  inputEnergies?: ReadonlyMap<string, ArrayLike<number>>;
  signal?: AbortSignal;
}

export interface Rearranged {
  /** The same results from channels in another order. Masks made of it do not fit the graph from before. */
  graph: Graph;
  /** By the name of a channel space of the graph from before: the channel that each channel was. Spaces that stayed are not listed. */
  permutations: ChannelPermutations;
  /** What the layers that a space's order matters to keep of their energy, on average, by its name. */
  kept: ReadonlyMap<string, { before: number; after: number }>;
}

/** What of a pattern matters here: rows in groups, or inputs in groups of which some or all are kept. */
interface GroupConstraint {
  along: 'rows' | 'inputs';
  size: number;
  /** Of N:M. */
  kept?: number;
}

/** The work that one space's channels may be, in comparisons of two energies; more of them are rearranged in parts. */
const maxComparisons = 2e9;

/**
 * Finds an order for the channels of every space that is free to have one. Takes seconds. The graph is an optimised one and
 * stays as it is; the same graph gives the same result.
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

/** Of a space's channels: the energies of its producers' rows, or of its consumers' inputs. Every layer has a total of 1. */
function energiesOf(
  graph: Graph,
  { size: count, producers, consumers }: ChannelSpace,
  { along }: GroupConstraint,
  { sparsity, inputEnergies }: RearrangeOptions,
): Energies | undefined {
  const uses = (along === 'rows' ? producers : consumers).filter(({ layer, positions }) => {
    // where a channel is several rows or inputs, its neighbours are its own
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

/** (channels, weights of a channel) w² · E x², of a total of 1. */
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
