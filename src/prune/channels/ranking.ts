// Which channels of a space matter least.
import type { Graph } from '../../graph/graph.ts';
import type { Calibrator } from '../statistics/calibration.ts';
import { Kernels } from '../kernels.ts';
import type { Layer } from '../layers.ts';
import { layersOf, weightsOf } from '../layers.ts';
import { damped, inverseOf } from '../criteria/least-squares.ts';
import { quadraticOf } from '../criteria/quadratic.ts';
import { RandomNumbers, seedOf } from '../random-numbers.ts';
import { defaultRidge } from '../criteria/reconstruct.ts';
import type { LayerStatistics } from '../statistics/statistics.ts';
import { eliminate, type Reader } from './elimination.ts';
import type { ChannelSpace, ChannelUse } from './spaces.ts';
import { columnsOf, dimensionsOf, weightsThatRead } from './uses.ts';

/** How channels are judged: see `rankChannels`. */
export type ChannelCriterion = 'magnitude' | 'batch-norm' | 'random' | 'second-order';

export interface RankingOptions {
  criterion: ChannelCriterion;
  /** Of `magnitude`: 1 for sums of |w|, 2 (default) for the root of those of w². */
  norm?: 1 | 2;
  /** Of `batch-norm`: γ of each row of a layer, by the layer's name; see `batchNormScales`. */
  scales?: ReadonlyMap<string, ArrayLike<number>>;
  /** Of `second-order`. */
  calibrator?: Calibrator;
  seed?: number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number, space: string) => void;
}

export interface ChannelRanking {
  readonly space: ChannelSpace;
  /** All channels, least important first. */
  readonly order: readonly number[];
  /** What is lost once so many of them are gone, from 0 on; comparable between spaces. */
  readonly losses: readonly number[];
  /** Why it is another criterion's than the one that was asked for. */
  readonly remark?: string;
}

/** Bytes of statistics that are asked for in one run of the calibration images. */
const mostStatistics = 512 * 2 ** 20;

/**
 * Ranks the channels of spaces.
 * - `magnitude`: by the norm of all weights that make or read a channel, every layer having an equal say;
 * - `batch-norm`: by |γ| of the batch norms behind the layers that make it (Network Slimming, Liu et al., https://arxiv.org/abs/1708.06519),
 *   by magnitude where a layer has none;
 * - `second-order`: by what the layers that read it lose on the calibration images, refitted, one channel after the other;
 * - `random`.
 */
export async function rankChannels(
  graph: Graph,
  spaces: readonly ChannelSpace[],
  options: RankingOptions,
): Promise<ChannelRanking[]> {
  if (options.criterion === 'second-order') return secondOrderRankings(graph, spaces, options);
  return spaces.map((space) => {
    if (options.criterion === 'random') {
      const order = Array.from({ length: space.size }, (_, i) => i);
      new RandomNumbers(seedOf(options.seed ?? 1, space.name)).shuffle(order);
      return { space, order, losses: Array.from({ length: space.size + 1 }, (_, i) => i / space.size) };
    }
    if (options.criterion === 'batch-norm') {
      const scores = scaleScores(space, options.scales ?? new Map());
      if (scores) return ranked(space, scores);
      const remark = 'no batch norm behind its layers, or folded already: ranked by magnitude';
      return { ...ranked(space, normScores(graph, space, options.norm)), remark };
    }
    return ranked(space, normScores(graph, space, options.norm));
  });
}

/** By scores that add up. */
function ranked(space: ChannelSpace, scores: Float64Array): ChannelRanking {
  const order = Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b] || a - b);
  const total = scores.reduce((sum, score) => sum + score, 0) || 1;
  const losses = [0];
  for (const channel of order) losses.push(losses.at(-1)! + scores[channel] / total);
  return { space, order, losses };
}

/** The mean over layers of each channel's share of the layer's weights: of their squares, or of their magnitudes. */
function normScores(graph: Graph, space: ChannelSpace, norm: 1 | 2 = 2): Float64Array {
  const scores = new Float64Array(space.size);
  const add = (weights: Float32Array, of: readonly Int32Array[]): void => {
    const own = of.map((list) =>
      list.reduce((sum, i) => sum + (norm === 1 ? Math.abs(weights[i]) : weights[i] ** 2), 0),
    );
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

/** The sum of |γ| over all layers that make the channels and whatever depthwise ones they go through; those without have no say. */
function scaleScores(space: ChannelSpace, scales: ReadonlyMap<string, ArrayLike<number>>): Float64Array | undefined {
  const uses = [...space.producers, ...space.depthwise].filter(({ layer }) => scales.has(layer));
  if (uses.length === 0) return undefined;
  const scores = new Float64Array(space.size);
  for (const { layer, positions } of uses) {
    const gamma = scales.get(layer)!;
    positions.forEach((list, channel) => list.forEach((row) => (scores[channel] += Math.abs(gamma[row]))));
  }
  return scores;
}

async function secondOrderRankings(
  graph: Graph,
  spaces: readonly ChannelSpace[],
  { calibrator, signal, onProgress }: RankingOptions,
): Promise<ChannelRanking[]> {
  if (!calibrator) throw new Error('second-order ranking needs a calibrator');
  const layers = new Map(layersOf(graph).map((layer) => [layer.name, layer]));
  const kernels = await Kernels.open();
  const rankings: ChannelRanking[] = [];
  for (const batch of batches(spaces, layers)) {
    const readers = new Set(batch.flatMap(({ consumers }) => consumers.map(({ layer }) => layers.get(layer)!)));
    const statistics = await calibrator.statisticsOfAll([...readers]);
    for (const space of batch) {
      onProgress?.(rankings.length, spaces.length, space.name);
      const all = space.consumers.flatMap((use) => {
        return readersOf(kernels, graph, layers.get(use.layer)!, use, statistics.get(use.layer)!);
      });
      const { order, errors } = eliminate(all, space.size, signal);
      const last = Array.from({ length: space.size }, (_, i) => i).find((channel) => !order.includes(channel));
      // nothing may go last: the loss of all is never asked for
      rankings.push({ space, order: last === undefined ? order : [...order, last], losses: [0, ...errors, Infinity] });
      await Promise.resolve();
    }
  }
  return rankings;
}

/** Spaces whose readers' statistics fit into memory together. */
function batches(spaces: readonly ChannelSpace[], layers: ReadonlyMap<string, Layer>): ChannelSpace[][] {
  const found: ChannelSpace[][] = [];
  let [names, bytes] = [new Set<string>(), Infinity];
  for (const space of spaces) {
    const fresh = space.consumers.filter(({ layer }) => !names.has(layer));
    const own = fresh.reduce(
      (sum, { layer }) => sum + 8 * layers.get(layer)!.groups * layers.get(layer)!.columns ** 2,
      0,
    );
    if (bytes + own > mostStatistics) {
      found.push([]);
      [names, bytes] = [new Set(), 0];
    }
    for (const { layer } of fresh) names.add(layer);
    bytes += own;
    found.at(-1)!.push(space);
  }
  return found;
}

function readersOf(kernels: Kernels, graph: Graph, layer: Layer, use: ChannelUse, ofLayer: LayerStatistics): Reader[] {
  const { groups } = ofLayer;
  const ridge = defaultRidge(ofLayer);
  const weights = weightsOf(graph, layer);
  const size = weights.length / groups.length;
  const found = groups.map((statistics, g) => {
    const own = weights.subarray(g * size, (g + 1) * size);
    return kernels.scope(() => {
      const quadratic = quadraticOf(kernels, own, statistics);
      const { n, stride, rows, power } = quadratic;
      const { at } = inverseOf(kernels, quadratic, damped(kernels, quadratic, ridge));
      const data = kernels.float64(at, n * stride);
      const inverse = new Float64Array(n * n);
      for (let i = 0; i < n; i++) inverse.set(data.subarray(i * stride, i * stride + n), i * n);
      const total = power.reduce((sum, p) => sum + p, 0);
      // nothing is removed yet: the weights as they are fit best
      return {
        rows,
        n,
        weights: Float64Array.from(own),
        inverse,
        total,
        columns: columnsOf(use, dimensionsOf(graph, layer.name), g),
      };
    });
  });
  const scale = Math.max(
    Number.MIN_VALUE,
    found.reduce((sum, { total }) => sum + total, 0),
  );
  return found.map((reader) => ({ ...reader, scale }));
}
