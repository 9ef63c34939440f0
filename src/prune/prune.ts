// Prunes a network layer after layer in execution order. Each layer is fitted to the outputs of the pruned ones before it.
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { arranged } from './channels/arrange.ts';
import { Calibrator } from './statistics/calibration.ts';
import { foldConstantChannels } from './channels/constants.ts';
import type { ChannelPermutations } from './channels/permute.ts';
import { type ChannelPlan, planChannels } from './channels/prune-channels.ts';
import { removeChannels } from './channels/remove.ts';
import { fingerprint, Progress } from './checkpoint.ts';
import { distribute, withHeldOut } from './distribution/distribute.ts';
import { Journal } from './distribution/search/journal.ts';
import { essentialSparsity } from './distribution/essential.ts';
import { biasOf, layersOf, setBias } from './layers.ts';
import type { Layer } from './layers.ts';
import { chosenLayers, excludedRemark, resolveOptions } from './options.ts';
import type { PruneOptions, ResolvedOptions } from './options.ts';
import type { Mask } from './patterns/pattern.ts';
import { cloneGraph } from '../graph/clone.ts';
import { prepared } from './prepare.ts';
import { applyLayer, checkNumbers, fitLayer, pruneLayer, refitLayer } from './prune-layer.ts';
import type { PrunedLayer, PruningState } from './prune-layer.ts';
import type { EssentialSparsity, PruningReport } from './report.ts';
import { reportOf } from './summary.ts';

export interface Pruned {
  /** The pruned graph, optimised. Compile or export it. */
  graph: Graph;
  /**
   * Masks of pruned layers, by name: 1 for each kept weight; row-major (O, I / groups, kh, kw). Empty if whole channels were
   * removed, because the remaining weights are dense.
   */
  masks: Map<string, Mask>;
  report: PruningReport;
  /** With `rearrange`: for each permuted set of channels, the index of each channel in the given network. */
  permutations?: ChannelPermutations;
}

/**
 * Prunes a network. The graph is not changed; the result is optimised: batch norms are folded, activations fused. Pruning by
 * 0 changes nothing.
 *
 * ```ts
 * const graph = importModel(bytes, 'mobilenet.onnx');
 * const { graph: sparse, report } = await prune(graph, { sparsity: 0.5, samples });
 * await writeFile('mobilenet-50.filigree', writeArtifact(compileGraph(sparse)));
 * ```
 * @throws FiligreeError `invalid-argument` naming an invalid option, or the best possible when a target cannot be reached;
 * `invalid-model` naming a layer with weights that are not finite numbers
 */
export async function prune(graph: Graph, options: PruneOptions = {}): Promise<Pruned> {
  const start = performance.now();
  const resolved = resolveOptions(options);
  const imported = prepared(graph);
  const layers = layersOf(imported);
  checkNumbers(imported, layers);
  const { chosen, remarks } = chosenLayers(layers, resolved);
  if (resolved.masks) checkMasks(imported.name, chosen, resolved.masks);
  const order = resolved.rearrange ? await arranged(imported, chosen, resolved) : undefined;
  const dense = order?.graph ?? imported;
  const progress = await Progress.open(resolved.checkpoint, () => fingerprint(dense, chosen, resolved), layers);
  const state = await opened(dense, resolved);
  const wholeChannels = resolved.pattern.name === 'channel' && !resolved.masks;
  let plan: ChannelPlan | undefined;
  let essential: EssentialSparsity | undefined;
  try {
    if (wholeChannels) {
      plan = await planFor(state, chosen, remarks, resolved, graph);
      await pruneChannels(state, plan, remarks, resolved, progress);
    } else await pruneLayers(state, chosen, remarks, resolved, progress);
    if (resolved.essential) essential = await essentialOf(state, chosen, resolved);
  } finally {
    state.calibrator?.dispose();
  }
  const { layers: done, notes } = progress.done;
  const pruned = plan ? removeChannels(state.pruned, plan.removed) : state.pruned;
  const report = await reportOf({ dense, pruned }, resolved, {
    remarks,
    done: plan ? new Map(plan.layers.map(({ name }) => [name, { ...done.get(name), pattern: 'channel' }])) : done,
    notes: [...(order?.notes ?? []), ...progress.notes, ...notes, ...(plan?.notes ?? [])],
  });
  if (essential) report.essential = essential;
  report.seconds = (performance.now() - start) / 1000;
  await progress.end();
  const layersPruned = [...done].filter(([, { pattern }]) => pattern !== undefined);
  const masks = new Map(plan ? [] : layersPruned.map(([name, { mask }]) => [name, mask]));
  return { graph: pruned, masks, report, ...(order && { permutations: order.permutations }) };
}

/** Plans the channels to remove from layers that were not excluded by name. */
function planFor(
  state: PruningState,
  chosen: readonly Layer[],
  remarks: ReadonlyMap<string, string>,
  options: ResolvedOptions,
  imported: Graph,
): Promise<ChannelPlan> {
  const excluded = new Set([...remarks].flatMap(([name, remark]) => (remark === excludedRemark ? [name] : [])));
  const { criterion, channelMultiple: multiple } = options;
  return planChannels(state, chosen, options, { criterion, multiple, imported, excluded });
}

/** Fits the layers that read removed channels. Without images, constant channels become part of their biases. */
async function pruneChannels(
  state: PruningState,
  { removed, masks, layers }: ChannelPlan,
  remarks: ReadonlyMap<string, string>,
  options: ResolvedOptions,
  progress: Progress,
): Promise<void> {
  if (!state.calibrator) {
    const folded = foldConstantChannels(state.dense, removed);
    for (const { name } of layers) {
      const bias = biasOf(folded, { name });
      if (bias && masks.has(name)) setBias(state.pruned, { name }, bias);
    }
  }
  progress.done.distribution = new Map();
  const readers = layers.filter(({ name }) => masks.has(name));
  await pruneLayers(state, readers, remarks, { ...options, masks }, progress);
}

/** The initial state, with nothing pruned, and with a calibrator if there are images. */
async function opened(dense: Graph, options: ResolvedOptions): Promise<PruningState> {
  const { pattern, criterion, seed, samples, viewsPerImage, regions, signal } = options;
  const state = { dense, pruned: cloneGraph(dense), pattern, criterion, seed };
  if (samples.length === 0) return state;
  return { ...state, calibrator: await Calibrator.open(dense, samples, { seed, signal, viewsPerImage, regions }) };
}

function essentialOf(
  state: PruningState,
  layers: readonly Layer[],
  options: ResolvedOptions,
): Promise<EssentialSparsity> {
  const { costModel, signal, onProgress } = options;
  return withHeldOut(state, options, ({ samples, judges = [], make }) =>
    essentialSparsity(state.dense, layers, {
      samples: [...samples, ...judges],
      make,
      costModel,
      signal,
      onProgress: (done, total) => onProgress?.({ phase: 'essential sparsity', done, total }),
    }),
  );
}

async function pruneLayers(
  state: PruningState,
  chosen: readonly Layer[],
  remarks: ReadonlyMap<string, string>,
  options: ResolvedOptions,
  progress: Progress,
): Promise<void> {
  const { masks, signal, onProgress } = options;
  if (!progress.done.distribution) {
    const journal = new Journal(progress.done.search, () => progress.save());
    progress.done.search = journal.entries;
    Object.assign(progress.done, await distribute(state, chosen, options, journal), { search: new Map() });
    if (options.distribution === 'search') await progress.save({ now: true });
  }
  const distribution = progress.done.distribution!;
  const done = progress.done.layers;
  const pruned = chosen.filter(({ name }) => masks || (distribution.get(name) ?? 0) > 0);
  const work = state.criterion.fit ? withRefits(state.dense, pruned, remarks) : pruned;
  const isPruned = new Set(pruned);
  const outcomeOf = async (layer: Layer, mask: Mask | undefined): Promise<PrunedLayer> => {
    if (!isPruned.has(layer)) return refitLayer(state, layer, remarks.get(layer.name) ?? 'dense');
    if (mask) return { ...(await fitLayer(state, layer, mask)), pattern: 'mask' };
    return pruneLayer(state, layer, distribution.get(layer.name)!);
  };
  for (const [i, layer] of work.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'pruning', done: i, total: work.length, layer: layer.name });
    const mask = masks?.get(layer.name);
    const outcome = done.get(layer.name) ?? (await outcomeOf(layer, mask));
    applyLayer(state.pruned, layer, outcome);
    if (done.has(layer.name)) continue;
    done.set(layer.name, outcome);
    await progress.save();
  }
  await progress.save({ now: true });
}

/** Adds the dense layers after the first pruned one, which can compensate for a part of the loss before them. */
function withRefits(dense: Graph, pruned: readonly Layer[], remarks: ReadonlyMap<string, string>): Layer[] {
  const byName = new Map(pruned.map((layer) => [layer.name, layer]));
  const all = layersOf(dense);
  const first = all.findIndex(({ name }) => byName.has(name));
  if (first < 0) return [];
  return all
    .slice(first)
    .filter(({ name }) => byName.has(name) || remarks.get(name) !== excludedRemark)
    .map((layer) => byName.get(layer.name) ?? layer);
}

/** @throws FiligreeError `invalid-argument` naming the layers whose masks have a wrong size */
function checkMasks(model: string, layers: readonly Layer[], masks: ReadonlyMap<string, Mask>): void {
  const wrong = layers.filter(({ name, rows, columns }) => masks.get(name)!.length !== rows * columns);
  if (wrong.length === 0) return;
  const found = wrong.map(({ name, shape }) => `"${name}" (${shape.join('×')}, mask of ${masks.get(name)!.length})`);
  throw new FiligreeError('invalid-argument', `${model}: masks do not fit: ${found.join(', ')}`);
}
