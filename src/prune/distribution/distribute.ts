// Distributes zeros to layers, from the target of the whole network.
import { sparsityWithin } from './budget.ts';
import type { Budget } from './budget.ts';
import { Calibrator } from '../statistics/calibration.ts';
import { costsOf } from './costs.ts';
import { erdosRenyiKernel } from './erk.ts';
import type { Layer } from '../layers.ts';
import { setWeights, weightsOf } from '../layers.ts';
import { magnitudeScores } from '../criteria/magnitude-scores.ts';
import { blocksToKeep, masked, select } from '../patterns/masks.ts';
import type { ResolvedOptions, Sample } from '../options.ts';
import { blocksOf } from '../patterns/patterns.ts';
import { cloneGraph } from '../../graph/clone.ts';
import { candidatesOf } from '../prune-layer.ts';
import type { PruningState } from '../prune-layer.ts';
import type { CandidateMaker } from './search/candidates.ts';
import { search } from './search/index.ts';
import type { Journal } from './search/journal.ts';
import { uniform } from './uniform.ts';
import type { Distribution } from './uniform.ts';

/**
 * The sparsity of each of `layers`, by name.
 * @param journal of a search; one with entries goes on where an unfinished run ended
 * @throws FiligreeError `invalid-argument` when a budget cannot be met, naming the best possible
 */
export async function distribute(
  state: PruningState,
  layers: readonly Layer[],
  options: ResolvedOptions,
  journal?: Journal,
): Promise<{ distribution: Distribution; notes: string[] }> {
  const { distribution, target } = options;
  const given = (shares: Distribution) => ({ distribution: shares, notes: [] });
  if (typeof distribution === 'object') return given(distribution);
  if (target.kind === 'masks' || (target.kind === 'sparsity' && target.value === 0)) return given(new Map());
  const budget: Budget = { kind: target.kind, value: target.value };
  // compared with the network as it would be compiled, including its present zeros
  const dense = costsOf(state.dense, layers, options);
  if (distribution === 'search') {
    const isFactor = budget.kind === 'speedup';
    const limit: Budget = isFactor ? { kind: 'latencyMs', value: dense.ms / budget.value } : budget;
    return searched(state, layers, limit, options, journal);
  }
  const shares = distribution === 'erk' ? erdosRenyiKernel : uniform;
  if (budget.kind === 'sparsity') return given(shares(layers, budget.value));
  const share = sparsityWithin(state.dense.name, budget, magnitudeCosts(state, layers, options, shares), dense);
  return { distribution: shares(layers, share), notes: [`${distribution}: ${(100 * share).toFixed(1)} % zeros`] };
}

/** Costs of the network at a share of zeros. The smallest weights are 0; for counting, any would do. */
function magnitudeCosts(
  { dense, pattern }: PruningState,
  layers: readonly Layer[],
  options: ResolvedOptions,
  shares: (layers: readonly Layer[], sparsity: number) => Distribution,
) {
  const scored = layers.map((layer) => {
    const { blocks } = blocksOf(pattern, layer);
    const weights = weightsOf(dense, layer);
    return { layer, blocks, weights, scores: magnitudeScores(weights, blocks) };
  });
  return (sparsity: number) => {
    const distribution = shares(layers, sparsity);
    const graph = cloneGraph(dense);
    for (const { layer, blocks, weights, scores } of scored) {
      const keep = blocksToKeep(blocks, distribution.get(layer.name)!);
      setWeights(graph, layer, masked(weights, select(scores, blocks, keep)));
    }
    return costsOf(graph, layers, options);
  };
}

/** Maximum samples to which candidates are fitted. More rarely change the distribution. */
const maxFitted = 96;

/** Of what layers are not fitted to, one image in so many only judges the result of a search. */
const judgeEvery = 3;

/** Fits layers to every other image, up to 96 samples, and evaluates on the rest: two thirds search, one third judges. */
export async function withHeldOut<T>(
  state: PruningState,
  {
    samples,
    viewsPerImage,
    regions,
    seed,
    signal,
  }: Pick<ResolvedOptions, 'samples' | 'viewsPerImage' | 'regions' | 'seed' | 'signal'>,
  use: (held: { samples: readonly Sample[]; judges?: readonly Sample[]; make: CandidateMaker }) => Promise<T>,
): Promise<T> {
  const image = (sample: number) => Math.floor(sample / viewsPerImage);
  const maxFittedImages = Math.max(1, Math.floor(maxFitted / viewsPerImage));
  const isFitted = (sample: number) => image(sample) % 2 === 0 && image(sample) / 2 < maxFittedImages;
  const others = [...new Set(samples.flatMap((_, i) => (isFitted(i) ? [] : [image(i)])))];
  const judging = new Set(others.filter((_, i) => i % judgeEvery === judgeEvery - 1));
  const held = samples.filter((_, i) => !isFitted(i) && !judging.has(image(i)));
  const judges = samples.filter((_, i) => judging.has(image(i)));
  const fit = <T>(list: readonly T[]) => list.filter((_, i) => isFitted(i));
  const settings = { seed, signal, viewsPerImage, regions: regions && fit(regions) };
  const calibrator = samples.length > 0 ? await Calibrator.open(state.dense, fit(samples), settings) : undefined;
  try {
    return await use({
      samples: held.length > 0 ? held : samples,
      ...(judges.length > 0 && { judges }),
      make: (layer, sparsities, pruned) => candidatesOf({ ...state, pruned, calibrator }, layer, sparsities),
    });
  } finally {
    calibrator?.dispose();
  }
}

async function searched(
  state: PruningState,
  layers: readonly Layer[],
  budget: Budget,
  options: ResolvedOptions,
  journal?: Journal,
) {
  const { comparison, seed, costModel, weights, signal, onProgress } = options;
  return withHeldOut(state, options, async (held) => {
    const found = await search(state.dense, layers, {
      ...held,
      journal,
      budget,
      comparison,
      seed,
      costModel,
      weights,
      signal,
      onProgress: ({ phase, stage, stages, done, total, layer }) =>
        onProgress?.({ phase: 'search', step: `${phase}, ${stage + 1} of ${stages}`, done, total, layer }),
    });
    const others = Object.entries(found.baselines).map(
      ([name, { divergence }]) => `${divergence.toPrecision(3)} ${name}`,
    );
    const result = `divergence ${found.divergence.toPrecision(3)} (${others.join(', ')}), ${found.runs} runs`;
    const notes = [found.name === 'searched' ? `search: ${result}` : `search: ${found.name} is best: ${result}`];
    if (!held.judges) notes.push('too few calibration photos to judge the search on others: give at least 6');
    if (found.stopped) notes.push('the search ran out of time: another run may find another distribution');
    return { distribution: found.distribution, notes };
  });
}
