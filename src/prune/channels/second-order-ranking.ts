// Ranks channels by the loss of their readers, refitted, on the calibration images.
import type { Graph } from '../../graph/graph.ts';
import { LinearAlgebra } from '../linear-algebra.ts';
import type { Layer } from '../layers.ts';
import { layersOf, weightsOf } from '../layers.ts';
import { damped, inverseOf } from '../criteria/least-squares.ts';
import { quadraticOf } from '../criteria/quadratic.ts';
import { defaultRidge } from '../criteria/reconstruct.ts';
import type { LayerStatistics } from '../statistics/statistics.ts';
import { eliminate, type ChannelReader } from './elimination.ts';
import type { ChannelRanking, RankingOptions } from './ranking.ts';
import type { ChannelSpace, ChannelUse } from './spaces.ts';
import { columnsOf, dimensionsOf } from './uses.ts';

/** Maximum bytes of statistics collected in one run of the calibration images. */
const maxStatistics = 512 * 2 ** 20;

export async function secondOrderRankings(
  graph: Graph,
  spaces: readonly ChannelSpace[],
  { calibrator, signal, onProgress }: RankingOptions,
): Promise<ChannelRanking[]> {
  if (!calibrator) throw new Error('second-order ranking needs a calibrator');
  const layers = new Map(layersOf(graph).map((layer) => [layer.name, layer]));
  const algebra = await LinearAlgebra.open();
  const rankings: ChannelRanking[] = [];
  for (const batch of batches(spaces, layers)) {
    const readers = new Set(batch.flatMap(({ consumers }) => consumers.map(({ layer }) => layers.get(layer)!)));
    const statistics = await calibrator.statisticsOfAll([...readers]);
    for (const space of batch) {
      onProgress?.(rankings.length, spaces.length, space.name);
      const all = space.consumers.flatMap((use) => {
        return readersOf(algebra, graph, layers.get(use.layer)!, use, statistics.get(use.layer)!);
      });
      const { order, errors } = eliminate(all, space.size, signal);
      const last = Array.from({ length: space.size }, (_, i) => i).find((channel) => !order.includes(channel));
      // some channel always stays, so the loss of removing all is never used
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
    if (bytes + own > maxStatistics) {
      found.push([]);
      [names, bytes] = [new Set(), 0];
    }
    for (const { layer } of fresh) names.add(layer);
    bytes += own;
    found.at(-1)!.push(space);
  }
  return found;
}

function readersOf(
  algebra: LinearAlgebra,
  graph: Graph,
  layer: Layer,
  use: ChannelUse,
  ofLayer: LayerStatistics,
): ChannelReader[] {
  const { groups } = ofLayer;
  const ridge = defaultRidge(ofLayer);
  const weights = weightsOf(graph, layer);
  const size = weights.length / groups.length;
  const found = groups.map((statistics, g) => {
    const own = weights.subarray(g * size, (g + 1) * size);
    return algebra.scope(() => {
      const quadratic = quadraticOf(algebra, own, statistics);
      const { n, stride, rows, power } = quadratic;
      const { at } = inverseOf(algebra, quadratic, damped(algebra, quadratic, ridge));
      const data = algebra.float64(at, n * stride);
      const inverse = new Float64Array(n * n);
      for (let i = 0; i < n; i++) inverse.set(data.subarray(i * stride, i * stride + n), i * n);
      const total = power.reduce((sum, p) => sum + p, 0);
      // nothing is removed yet, so the given weights fit best
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
