// The pattern `channel`: removes whole channels, so that tensors become smaller.
//
//   1. Channels are ranked in every space that has a layer to prune, on the dense network.
//   2. The target determines which are removed: the same share everywhere, or (distribution `search`) those that lose least
//      for what they save, until the target is met.
//   3. Layers that read them are fitted without them, like any layer to a mask, on the outputs of the pruned layers before.
//   4. They are removed. Constant channels have become part of biases.
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { isWithin, limitOf, unreachable, type Budget } from '../distribution/budget.ts';
import { costsOf } from '../distribution/costs.ts';
import type { Criterion } from '../criteria/criterion.ts';
import { type Layer, layersOf } from '../layers.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Mask } from '../patterns/pattern.ts';
import type { PruningState } from '../prune-layer.ts';
import type { ChannelRanking } from './ranking.ts';
import { removeChannels } from './remove.ts';
import { cheapestFirst, keptCount, type KeptCounts, uniformly } from './shares.ts';
import { channelSpaces, type ChannelSpace } from './spaces.ts';
import { masksWithout } from './uses.ts';

export interface ChannelPlan {
  /** Removed channels by the name of the space, for `removeChannels`. */
  removed: Map<string, number[]>;
  /** Masks of the layers that read removed channels, by name: 0 for weights that read one. */
  masks: Map<string, Mask>;
  /** The layers that the target counts: all that make, pass on or read prunable channels, including those of `masks`. */
  layers: Layer[];
  notes: string[];
}

export interface ChannelOptions {
  criterion: Criterion;
  /** The number of kept channels is a multiple of this, which suits kernels; 4 if not given. */
  multiple?: number;
  /** The given network, before passes. */
  imported?: Graph;
  /** Layers that keep all their rows. */
  excluded?: ReadonlySet<string>;
}

/**
 * The spaces that may lose channels: free ones that one of these layers makes.
 * @param layers to prune; a space that only other layers make (first layers, heads) stays
 * @param excluded layers that keep all their rows
 */
export function prunableSpaces(
  graph: Graph,
  layers: readonly Pick<Layer, 'name'>[],
  excluded: ReadonlySet<string> = new Set(),
): ChannelSpace[] {
  const names = new Set(layers.map(({ name }) => name));
  return channelSpaces(graph).filter(
    ({ fixed, size, producers }) =>
      fixed === undefined &&
      size > 1 &&
      producers.some(({ layer }) => names.has(layer)) &&
      !producers.some(({ layer }) => excluded.has(layer)),
  );
}

/**
 * Chooses the channels to remove from the dense network.
 * @param layers to prune
 * @throws FiligreeError `invalid-argument` when the target cannot be met, naming the best possible
 */
export async function planChannels(
  state: Pick<PruningState, 'dense' | 'calibrator' | 'seed'>,
  layers: readonly Layer[],
  options: Pick<ResolvedOptions, 'distribution' | 'target' | 'costModel' | 'signal' | 'onProgress'>,
  { criterion, multiple = 4, excluded, imported }: ChannelOptions,
): Promise<ChannelPlan> {
  const { dense, calibrator, seed } = state;
  const { signal, onProgress, distribution, target } = options;
  checkMultiple(multiple);
  const spaces = prunableSpaces(dense, layers, excluded);
  const touched = touchedLayers(dense, spaces);
  if (target.value === 0 || spaces.length === 0) return { removed: new Map(), masks: new Map(), layers: [], notes: [] };
  const rankings = await criterion.rank!(dense, spaces, {
    imported,
    calibrator,
    seed,
    signal,
    onProgress: (done, total, layer) => onProgress?.({ phase: 'search', step: 'channels', done, total, layer }),
  });
  const notes = remarksOf(rankings);
  let counts: KeptCounts;
  if (typeof distribution === 'object') {
    counts = spaces.map((space) => keptCount(space.size, givenShare(space, distribution), multiple));
  } else {
    if (distribution === 'erk') notes.push('erk is for single weights: the same share of channels goes everywhere');
    const budget: Budget = { kind: target.kind as Budget['kind'], value: target.value };
    counts = withinBudget(dense, rankings, touched, budget, multiple, options);
  }
  const removed = removedOf(rankings, counts);
  const masks = masksWithout(dense, spaces, removed);
  const before = spaces.reduce((sum, { size }) => sum + size, 0);
  const after = counts.reduce((sum, count) => sum + count, 0);
  notes.push(`${before - after} of ${before} channels removed, from ${removed.size} of ${spaces.length} spaces`);
  return { removed, masks, layers: touched, notes };
}

/** Layers that make, pass on or read channels of spaces. */
function touchedLayers(graph: Graph, spaces: readonly ChannelSpace[]): Layer[] {
  const names = new Set(
    spaces.flatMap(({ producers, depthwise, consumers }) =>
      [...producers, ...depthwise, ...consumers].map(({ layer }) => layer),
    ),
  );
  return layersOf(graph).filter(({ name }) => names.has(name));
}

function removedOf(rankings: readonly ChannelRanking[], counts: KeptCounts): Map<string, number[]> {
  return new Map(
    rankings.flatMap(({ space, order }, i) => {
      return counts[i] < space.size ? [[space.name, order.slice(0, space.size - counts[i])] as const] : [];
    }),
  );
}

/** Finds by bisection the first of a sequence of shrinking networks that meets a budget. Each try is costed as a whole. */
function withinBudget(
  dense: Graph,
  rankings: readonly ChannelRanking[],
  touched: readonly Layer[],
  budget: Budget,
  multiple: number,
  { distribution, costModel }: Pick<ResolvedOptions, 'distribution' | 'costModel'>,
): KeptCounts {
  const before = costsOf(dense, touched, { costModel });
  const limit = limitOf(budget, { ms: before.ms, weights: weightsOf(touched) });
  const names = new Set(touched.map(({ name }) => name));
  const costsAt = (counts: KeptCounts) => {
    const graph = removeChannels(dense, removedOf(rankings, counts));
    const left = layersOf(graph).filter(({ name }) => names.has(name));
    if (limit.of === 'weights') return { ...before, weights: weightsOf(left) };
    return costsOf(graph, left, { costModel });
  };
  const steps = 1000;
  const sequence =
    distribution === 'search'
      ? cheapestFirst(dense, rankings, multiple, limit.of === 'ms' || limit.of === 'macs' ? 'macs' : 'weights')
      : Array.from({ length: steps }, (_, i) => uniformly(rankings, i / steps, multiple));
  let [low, high] = [-1, sequence.length - 1];
  const best = costsAt(sequence[high]);
  if (!isWithin(best, limit)) {
    throw unreachable(
      dense.name,
      budget,
      best,
      { ms: before.ms, weights: weightsOf(touched) },
      'with almost no channels left',
    );
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isWithin(costsAt(sequence[middle]), limit)) high = middle;
    else low = middle;
  }
  return sequence[high];
}

function weightsOf(layers: readonly Layer[]): number {
  return layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/** The share given for the space's name, or the largest of those for its layers. */
function givenShare({ name, producers }: ChannelSpace, shares: ReadonlyMap<string, number>): number {
  return shares.get(name) ?? Math.max(0, ...producers.map(({ layer }) => shares.get(layer) ?? 0));
}

function remarksOf(rankings: readonly ChannelRanking[]): string[] {
  const remarks = new Map<string, string[]>();
  for (const { space, remark } of rankings) {
    if (remark !== undefined) remarks.set(remark, [...(remarks.get(remark) ?? []), space.name]);
  }
  return Array.from(remarks, ([remark, names]) =>
    names.length === rankings.length ? remark : `${names.join(', ')}: ${remark}`,
  );
}

function checkMultiple(multiple: number): void {
  if (Number.isInteger(multiple) && multiple >= 1) return;
  throw new FiligreeError('invalid-argument', `channels in multiples of ${multiple}: wanted a whole number from 1`);
}
