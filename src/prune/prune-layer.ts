// Prunes one layer, by any pattern and criterion. prune() does this layer after layer; a search tries it out.
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Calibrator } from './statistics/calibration.ts';
import { correct } from './criteria/correct.ts';
import type { Criterion } from './criteria/criterion.ts';
import { biasOf, setBias, setWeights, weightsOf } from './layers.ts';
import type { Layer } from './layers.ts';
import { blocksToKeep, masked, select } from './patterns/masks.ts';
import type { Mask, Pattern } from './patterns/pattern.ts';
import { blocksOf } from './patterns/patterns.ts';
import { biasShiftOf, layerError } from './criteria/reconstruct.ts';
import type { LayerStatistics } from './statistics/statistics.ts';

/** The state of the network that pruning a layer needs. */
export interface PruningState {
  /** Optimised, and never written to. */
  readonly dense: Graph;
  /** The same network with the layers so far pruned; `applyLayer` writes to it. */
  readonly pruned: Graph;
  readonly pattern: Pattern;
  readonly criterion: Criterion;
  readonly seed: number;
  /** Statistics of layers' inputs on the calibration images. Without it, kept weights and biases do not change. */
  readonly calibrator?: Calibrator;
}

export interface PrunedLayer {
  /** (rows, columns), row-major. */
  weights: Float32Array;
  /** (rows); undefined if the biases stay. */
  bias?: Float32Array;
  mask: Mask;
  /** The pattern of the mask; undefined for a layer that stays dense, and is fitted to the outputs of pruned ones before it. */
  pattern?: string;
  /** Why it is not the requested pattern. */
  remark?: string;
  /** ‖Wx − Ŵx̂‖² / ‖Wx‖² over the calibration images. */
  error?: number;
}

/**
 * Prunes one layer of the dense network, with its inputs from the pruned one. Writes to neither.
 * @param sparsity the share of its weights to remove, 0 … 1; N:M patterns ignore it
 */
export async function pruneLayer(state: PruningState, layer: Layer, sparsity: number): Promise<PrunedLayer> {
  const [outcome] = await candidatesOf(state, layer, [sparsity]);
  return outcome;
}

/** A layer pruned to several sparsities, nearly as `pruneLayer` does for one. */
export async function candidatesOf(
  state: PruningState,
  layer: Layer,
  sparsities: readonly number[],
): Promise<PrunedLayer[]> {
  const { blocks, pattern, remark } = blocksOf(state.pattern, layer);
  const statistics = await state.calibrator?.statistics(layer, state.pruned);
  const keeps = sparsities.map((sparsity) => blocksToKeep(blocks, sparsity));
  const weights = weightsOf(state.dense, layer);
  const { criterion, seed } = state;
  if (criterion.choose) {
    const found = await criterion.choose({ layer, weights, statistics: needed(statistics, criterion), blocks }, keeps);
    return found.map(({ biasShift, ...one }) => ({
      ...one,
      bias: shifted(state.dense, layer, biasShift),
      pattern,
      remark,
    }));
  }
  if (!criterion.score) throw new Error(`the criterion ${criterion.name} judges whole channels`);
  const scores = criterion.score({ layer, weights, blocks, seed });
  checkScores(scores, criterion, layer, blocks.count);
  const outcomes: PrunedLayer[] = [];
  for (const keep of keeps) {
    const mask = select(scores, blocks, keep);
    const values = criterion.fit ? fitted(state, layer, mask, statistics) : rescaled(state, layer, mask, statistics);
    outcomes.push({ ...(await values), pattern, remark });
  }
  return outcomes;
}

/** The values of a layer for a given mask, fitted if the criterion can. */
export async function fitLayer(state: PruningState, layer: Layer, mask: Mask): Promise<Omit<PrunedLayer, 'pattern'>> {
  const statistics = await state.calibrator?.statistics(layer, state.pruned);
  return state.criterion.fit ? fitted(state, layer, mask, statistics) : corrected(state, layer, mask, statistics);
}

async function fitted(
  { dense, criterion }: PruningState,
  layer: Layer,
  mask: Mask,
  statistics: LayerStatistics | undefined,
) {
  const problem = { layer, weights: weightsOf(dense, layer), statistics: needed(statistics, criterion), mask };
  const { biasShift, ...found } = await criterion.fit!(problem);
  return { ...found, bias: shifted(dense, layer, biasShift) };
}

/** The values of a layer that stays dense. */
export async function refitLayer(state: PruningState, layer: Layer, remark: string): Promise<PrunedLayer> {
  const mask = new Uint8Array(layer.rows * layer.columns).fill(1);
  return { ...(await fitLayer(state, layer, mask)), remark };
}

/** Weights under a mask, and biases, with which channels keep their means and variances. */
async function rescaled({ dense }: PruningState, layer: Layer, mask: Mask, statistics: LayerStatistics | undefined) {
  const before = weightsOf(dense, layer);
  const pruned = masked(before, mask);
  if (!statistics) return { weights: pruned, mask };
  const { weights, biasShift, error } = await correct({ layer, weights: before, statistics, pruned });
  return { weights, mask, bias: shifted(dense, layer, biasShift), error };
}

/** Unchanged weights under a mask, and biases that preserve the means of the layer's outputs. */
async function corrected({ dense }: PruningState, layer: Layer, mask: Mask, statistics: LayerStatistics | undefined) {
  const before = weightsOf(dense, layer);
  const weights = masked(before, mask);
  if (!statistics) return { weights, mask };
  const bias = shifted(dense, layer, biasShiftOf(layer, weights, statistics, before));
  return { weights, mask, bias, error: await layerError(layer, weights, statistics, before) };
}

function shifted(dense: Graph, layer: Layer, shift: Float32Array): Float32Array {
  const bias = biasOf(dense, layer);
  return bias ? shift.map((value, row) => value + bias[row]) : shift;
}

function needed(statistics: LayerStatistics | undefined, { name }: Criterion): LayerStatistics {
  if (!statistics) throw new FiligreeError('invalid-argument', `${name} pruning needs calibration images`);
  return statistics;
}

/** Checks scores, because criteria may be a user's own, and masks are chosen by the bits of scores. */
function checkScores(scores: Float32Array, { name }: Criterion, layer: Layer, count: number): void {
  const wrong = scores.find((score) => !(score >= 0 && score < Infinity));
  if (scores.length === count && wrong === undefined) return;
  const got = wrong === undefined ? `${scores.length} of them` : String(wrong);
  throw new FiligreeError(
    'invalid-argument',
    `criterion "${name}": layer "${layer.name}": wanted ${count} scores, finite and not negative, got ${got}`,
  );
}

/** Makes a pruned layer part of a network. */
export function applyLayer(graph: Graph, layer: Layer, { weights, bias }: Pick<PrunedLayer, 'weights' | 'bias'>): void {
  setWeights(graph, layer, weights);
  if (bias) setBias(graph, layer, bias);
}

/** @throws FiligreeError `invalid-model` naming a layer with weights or biases that are not finite numbers */
export function checkNumbers(graph: Graph, layers: readonly Layer[]): void {
  for (const layer of layers) {
    const parts: [string, Float32Array | undefined][] = [
      ['weight', weightsOf(graph, layer)],
      ['bias', biasOf(graph, layer)],
    ];
    for (const [part, numbers] of parts) {
      const at = numbers?.findIndex((w) => !Number.isFinite(w)) ?? -1;
      if (at < 0) continue;
      throw new FiligreeError(
        'invalid-model',
        `${graph.name}: layer "${layer.name}": ${part} ${at} is ${numbers![at]}: there is nothing to prune by`,
      );
    }
  }
}
