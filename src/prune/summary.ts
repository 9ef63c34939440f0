// Summarises a run in numbers.
import type { Graph } from '../graph/graph.ts';
import { costsOf } from './distribution/costs.ts';
import { layersOf, weightsOf } from './layers.ts';
import type { Layer } from './layers.ts';
import { sparsityOf } from './patterns/masks.ts';
import { measureNodes, outputError } from './measure.ts';
import type { ResolvedOptions } from './options.ts';
import type { PrunedLayer } from './prune-layer.ts';
import type { BeforeAndAfter, LayerOutcome, PruningReport } from './report.ts';

/** Facts about the layers besides their weights. */
export interface Done {
  /** Why layers stayed dense. */
  remarks: ReadonlyMap<string, string>;
  done: ReadonlyMap<string, Pick<PrunedLayer, 'pattern' | 'remark' | 'error'>>;
  notes: readonly string[];
}

/** The report of a run, except its duration. The pruned network may have fewer channels, but not fewer layers. */
export async function reportOf(
  { dense, pruned }: { dense: Graph; pruned: Graph },
  options: ResolvedOptions,
  { remarks, done, notes }: Done,
): Promise<PruningReport> {
  const { pattern, criterion, distribution, target, seed, samples, viewsPerImage, costModel, masks, measure } = options;
  const layers = layersOf(dense);
  const after = new Map(layersOf(pruned).map((layer) => [layer.name, layer]));
  const costs = {
    before: costsOf(dense, layers, options),
    after: costsOf(pruned, [...after.values()], options),
  };
  const measured = measure ? await measureNodes(dense, pruned, costModel) : undefined;
  const outcomes = layers.map((layer): LayerOutcome => {
    const { name, kind, shape, rows, columns } = layer;
    const [weights, outcome, now] = [rows * columns, done.get(name), after.get(name)!];
    const [old, left] = [costs.before.layers.get(name)!, costs.after.layers.get(name)!];
    const pair = (of: 'macs' | 'ms' | 'bytes'): BeforeAndAfter => ({ before: old[of], after: left[of] });
    const remark = outcome ? outcome.remark : remarks.get(name);
    const ms = measured?.nodes.get(name);
    return {
      name,
      kind,
      shape: { before: shape, after: now.shape },
      ...(outcome?.pattern !== undefined && { pattern: outcome.pattern }),
      ...(remark !== undefined && { remark }),
      weights,
      sparsity: { before: 1 - keptOf(dense, layer) / weights, after: 1 - keptOf(pruned, now) / weights },
      ...(outcome?.error !== undefined && { error: outcome.error }),
      macs: pair('macs'),
      predictedMs: pair('ms'),
      ...(ms?.before !== undefined && ms.after !== undefined && { measuredMs: ms as BeforeAndAfter }),
      bytes: pair('bytes'),
    };
  });
  const prunedOnes = outcomes.filter(({ pattern: applied }) => applied !== undefined);
  const sum = (list: readonly LayerOutcome[], of: (layer: LayerOutcome) => number) =>
    list.reduce((total, layer) => total + of(layer), 0);
  const zeros = sum(prunedOnes, ({ sparsity, weights }) => sparsity.after * weights);
  const pair = (of: 'macs' | 'ms' | 'bytes' | 'weights') => ({ before: costs.before[of], after: costs.after[of] });
  const report: PruningReport = {
    model: dense.name,
    pattern: masks ? 'masks' : pattern.name,
    criterion: masks && !criterion.fit ? 'none' : criterion.name,
    distribution: typeof distribution === 'string' && !masks ? distribution : 'given',
    target: { [target.kind]: target.value },
    seed,
    calibrationImages: Math.ceil(samples.length / viewsPerImage),
    layers: outcomes,
    sparsity:
      zeros /
      Math.max(
        1,
        sum(prunedOnes, ({ weights }) => weights),
      ),
    weights: pair('weights'),
    macs: pair('macs'),
    predictedMs: pair('ms'),
    bytes: pair('bytes'),
    seconds: 0,
    notes: [...notes, ...missed(options, costs.before.ms, costs.after)],
  };
  if (measured) report.measuredMs = measured.total;
  if (samples.length > 0) report.outputError = await outputError(dense, pruned, samples);
  return report;
}

function keptOf(graph: Graph, layer: Layer): number {
  const weights = weightsOf(graph, layer);
  return Math.round((1 - sparsityOf(weights)) * weights.length);
}

/** A target missed by less than this share counts as met. */
const tolerance = 1e-3;

/** Notes on a missed target. Budgets are met by counting, so the result may exceed them a little. */
function missed(
  { target: { kind, value } }: ResolvedOptions,
  denseMs: number,
  after: { ms: number; macs: number; bytes: number },
): string[] {
  const most = value * (1 + tolerance);
  const note = (what: string, found: string) => [`${what} is ${found}, not quite ${value}`];
  if (kind === 'latencyMs' && after.ms > most) return note('predicted latency', `${after.ms.toFixed(3)} ms`);
  if (kind === 'macs' && after.macs > most) return note('multiply-adds', String(after.macs));
  if (kind === 'bytes' && after.bytes > most) return note('the size of constants', `${after.bytes} bytes`);
  if (kind === 'speedup' && (denseMs / after.ms) * (1 + tolerance) < value) {
    return note('predicted speed-up', (denseMs / after.ms).toFixed(3));
  }
  return [];
}
