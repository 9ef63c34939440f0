// From a dense network to a sparse one: layer after layer in execution order, each fitted to what the pruned ones before it
// leave.
import { defaultCostModel } from '../compile/cost.ts';
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { fingerprint, Progress } from './checkpoint.ts';
import { costsOf } from './costs.ts';
import { erdosRenyiKernel } from './erk.ts';
import { layersOf, weightsOf } from './layers.ts';
import type { Layer } from './layers.ts';
import { sparsityOf } from './masks.ts';
import { chosenLayers, resolveOptions } from './options.ts';
import type { PruneOptions, ResolvedOptions } from './options.ts';
import type { Mask } from './pattern.ts';
import { cloneGraph, prepared } from './prepare.ts';
import { applyLayer, checkNumbers, fitLayer, pruneLayer } from './prune-layer.ts';
import type { PrunedLayer, PruningState } from './prune-layer.ts';
import type { LayerOutcome, PruningReport } from './report.ts';
import { uniform } from './uniform.ts';
import type { Distribution } from './uniform.ts';

export interface Pruned {
  /** Optimised; compile or export it. */
  graph: Graph;
  /** Of the layers that were pruned, by name: 1 for each weight that is kept; row-major (O, I / groups, kh, kw). */
  masks: Map<string, Mask>;
  report: PruningReport;
}

/**
 * Prunes a network. The graph stays as it is; the result is an optimised one: batch norms are folded, activations fused.
 * To prune by 0 changes nothing.
 *
 * ```ts
 * const graph = importModel(bytes, 'mobilenet.onnx');
 * const { graph: sparse, report } = await prune(graph, { sparsity: 0.5, samples });
 * await writeFile('mobilenet-50.filigree', writeArtifact(compileGraph(sparse)));
 * ```
 * @throws FiligreeError `invalid-argument` naming the option that makes no sense, or the best that can be reached where a
 * target cannot; `invalid-model` naming a layer with weights that are no numbers
 */
export async function prune(graph: Graph, options: PruneOptions = {}): Promise<Pruned> {
  const start = performance.now();
  const resolved = resolveOptions(options);
  const dense = prepared(graph);
  const layers = layersOf(dense);
  checkNumbers(dense, layers);
  const { chosen, remarks } = chosenLayers(layers, resolved);
  if (resolved.masks) checkMasks(dense.name, chosen, resolved.masks);
  const state: PruningState = { ...resolved, dense, pruned: cloneGraph(dense) };
  const progress = await Progress.open(resolved.checkpoint, () => fingerprint(dense, chosen, resolved));
  progress.done.distribution ??= await distributionOf(chosen, resolved);
  const distribution = progress.done.distribution;
  const done = progress.done.layers;
  const work = chosen.filter(({ name }) => resolved.masks || (distribution.get(name) ?? 0) > 0);
  for (const [i, layer] of work.entries()) {
    resolved.signal?.throwIfAborted();
    resolved.onProgress?.({ phase: 'pruning', done: i, total: work.length, layer: layer.name });
    const mask = resolved.masks?.get(layer.name);
    const outcome =
      done.get(layer.name) ??
      (mask
        ? { ...(await fitLayer(state, layer, mask)), pattern: 'mask' }
        : await pruneLayer(state, layer, distribution.get(layer.name)!));
    applyLayer(state.pruned, layer, outcome);
    if (done.has(layer.name)) continue;
    done.set(layer.name, outcome);
    await progress.save();
  }
  await progress.end();
  const masks = new Map([...done].map(([name, { mask }]) => [name, mask]));
  const report = reportOf(state, resolved, layers, remarks, done, (performance.now() - start) / 1000);
  return { graph: state.pruned, masks, report };
}

/** The sparsity of each layer. */
async function distributionOf(
  layers: readonly Layer[],
  { distribution, target }: ResolvedOptions,
): Promise<Distribution> {
  if (typeof distribution === 'object') return distribution;
  if (target.kind === 'masks' || target.value === 0) return new Map();
  const shares = distribution === 'erk' ? erdosRenyiKernel : uniform;
  if (target.kind === 'sparsity') return shares(layers, target.value);
  throw new FiligreeError('unsupported', `target ${target.kind}`);
}

/** @throws FiligreeError `invalid-argument` naming the layers whose masks have another size */
function checkMasks(model: string, layers: readonly Layer[], masks: ReadonlyMap<string, Mask>): void {
  const wrong = layers.filter(({ name, rows, columns }) => masks.get(name)!.length !== rows * columns);
  if (wrong.length === 0) return;
  const found = wrong.map(({ name, shape }) => `"${name}" (${shape.join('×')}, mask of ${masks.get(name)!.length})`);
  throw new FiligreeError('invalid-argument', `${model}: masks do not fit: ${found.join(', ')}`);
}

function reportOf(
  { dense, pruned }: PruningState,
  { pattern, criterion, distribution, target, seed, samples, costModel = defaultCostModel, masks }: ResolvedOptions,
  layers: readonly Layer[],
  remarks: ReadonlyMap<string, string>,
  done: ReadonlyMap<string, PrunedLayer>,
  seconds: number,
): PruningReport {
  const [before, after] = [costsOf(dense, costModel), costsOf(pruned, costModel)];
  const pair = <K extends string>(key: K, a: Record<K, number>, b: Record<K, number>) => ({
    before: a[key],
    after: b[key],
  });
  let [zeros, weightsOfPruned] = [0, 0];
  const outcomes = layers.map((layer): LayerOutcome => {
    const outcome = done.get(layer.name);
    const weights = layer.rows * layer.columns;
    const [old, now] = [before.layers.get(layer.name)!, after.layers.get(layer.name)!];
    const sparsity = {
      before: sparsityOf(weightsOf(dense, layer)),
      after: sparsityOf(weightsOf(pruned, layer)),
    };
    if (outcome) {
      zeros += sparsity.after * weights;
      weightsOfPruned += weights;
    }
    return {
      name: layer.name,
      kind: layer.kind,
      shape: { before: layer.shape, after: layer.shape },
      ...(outcome && { pattern: outcome.pattern, error: outcome.error }),
      remark: outcome ? outcome.remark : remarks.get(layer.name),
      weights,
      sparsity,
      macs: pair('macs', old, now),
      predictedMs: pair('ms', old, now),
      bytes: pair('bytes', old, now),
    };
  });
  const weights = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const removed = outcomes.reduce((sum, { sparsity, weights }) => sum + sparsity.after * weights, 0);
  const removedBefore = outcomes.reduce((sum, { sparsity, weights }) => sum + sparsity.before * weights, 0);
  return {
    model: dense.name,
    pattern: masks ? 'masks' : pattern.name,
    criterion,
    distribution: typeof distribution === 'string' ? distribution : 'given',
    target: { [target.kind]: target.value },
    seed,
    calibrationImages: samples.length,
    layers: outcomes,
    sparsity: weightsOfPruned > 0 ? zeros / weightsOfPruned : 0,
    weights: { before: Math.round(weights - removedBefore), after: Math.round(weights - removed) },
    macs: pair('macs', before, after),
    predictedMs: pair('ms', before, after),
    bytes: pair('bytes', before, after),
    seconds,
    notes: [...remarksOf(outcomes)],
  };
}

function remarksOf(outcomes: readonly LayerOutcome[]): string[] {
  const replaced = outcomes.filter(({ pattern, remark }) => pattern !== undefined && remark !== undefined);
  return replaced.map(({ name, remark }) => `${name}: ${remark}`);
}
