// Essential sparsity (Jaiswal et al., "The Emergence of Essential Sparsity in Large Pre-trained Models", 2023): how far a
// network can be pruned, with the same sparsity in every layer, before its error begins to rise much faster.
import type { CostModel } from '../../lower/cost-model.ts';
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../tensor.ts';
import type { Layer } from '../layers.ts';
import type { EssentialSparsity } from '../report.ts';
import { makeCandidates } from './search/candidates.ts';
import type { CandidateMaker } from './search/candidates.ts';
import { Evaluator } from './search/evaluator.ts';
import type { EvaluatorOptions } from './search/evaluator.ts';

export interface EssentialOptions extends EvaluatorOptions {
  /** Prunes one layer to several sparsities: see CandidateMaker. */
  make: CandidateMaker;
  /** Calibration photos: tensors by the author's input names. */
  samples: readonly Readonly<Record<string, Tensor>>[];
  /** Increasing sparsities from 0, below 1. Default 0, 0.05 … 0.95. */
  sparsities?: readonly number[];
  costModel?: CostModel;
  onProgress?: (done: number, total: number) => void;
}

const defaultSparsities = Array.from({ length: 20 }, (_, i) => i / 20);

/**
 * The relative error of a network's outputs (the mean over photos and outputs of ‖y − ŷ‖² / ‖y‖²) at each sparsity, its knee,
 * and each layer's own error, reported by `make`. Every layer is pruned for its inputs in the dense network.
 * @param graph an optimised graph; not changed
 * @throws FiligreeError `invalid-argument` for invalid options; the signal's reason
 */
export async function essentialSparsity(
  graph: Graph,
  layers: readonly Layer[],
  { make, samples, sparsities = defaultSparsities, costModel, onProgress, ...options }: EssentialOptions,
): Promise<EssentialSparsity> {
  const isIncreasing = sparsities[0] === 0 && sparsities.every((s, i) => s < 1 && (i === 0 || s > sparsities[i - 1]));
  if (!isIncreasing || sparsities.length < 3 || sparsities.length > 255) {
    throw new FiligreeError(
      'invalid-argument',
      `${graph.name}: sparsities: wanted 3 to 255 numbers below 1, increasing from 0 on, got [${sparsities.join(', ')}]`,
    );
  }
  if (layers.length === 0) throw new FiligreeError('invalid-argument', `${graph.name}: no layers to prune`);
  if (samples.length === 0) {
    throw new FiligreeError(
      'invalid-argument',
      `${graph.name}: essential sparsity needs calibration images: give samples`,
    );
  }
  const total = layers.length + sparsities.length;
  const rungs = new Map(layers.map(({ name }) => [name, sparsities]));
  const { candidates, alternatives } = await makeCandidates(graph, layers, rungs, make, {
    costModel,
    signal: options.signal,
    onProgress: (done) => onProgress?.(done, total),
  });
  const evaluator = await Evaluator.open(candidates, alternatives, samples, options);
  try {
    await evaluator.compareWith(
      layers.map(() => 0),
      'relative',
    );
    const points: EssentialSparsity['points'] = [{ sparsity: 0, error: 0 }];
    for (const [rung, sparsity] of sparsities.entries()) {
      onProgress?.(layers.length + rung, total);
      if (rung === 0) continue;
      const [error] = await evaluator.divergences([layers.map(() => rung)], evaluator.allPhotos());
      points.push({ sparsity, error });
    }
    onProgress?.(total, total);
    const known = candidates.ladders.filter((ladder) =>
      ladder.rungs.slice(1).every(({ error }) => error !== undefined),
    );
    return {
      points,
      knee: kneeOf(points),
      ...(known.length > 0 && {
        layers: known.map((ladder) => ({
          name: ladder.layer.name,
          errors: ladder.rungs.map(({ error = 0 }) => error),
        })),
      }),
    };
  } finally {
    evaluator.dispose();
  }
}

/**
 * The sparsity at which a curve of errors is farthest below its chord (Satopää et al., "Finding a kneedle in a haystack",
 * 2011). Square roots of errors (lengths) are used, so that the end of a rise does not hide its start. The curve ends at the
 * first error of 1, where the output is lost entirely.
 */
export function kneeOf(points: readonly { sparsity: number; error: number }[]): number {
  const lengths = points.map(({ error }) => (error <= 1 ? Math.sqrt(Math.max(0, error)) : 1));
  const lost = lengths.findIndex((length) => length >= 1);
  const last = lost < 0 ? points.length - 1 : lost;
  const [low, high] = [lengths[0], Math.max(...lengths.slice(0, last + 1))];
  const [from, to] = [points[0].sparsity, points[last].sparsity];
  let [knee, farthest] = [from, 0];
  for (let i = 0; i <= last; i++) {
    const distance = (points[i].sparsity - from) / (to - from) - (lengths[i] - low) / Math.max(high - low, 1e-12);
    if (distance > farthest) [knee, farthest] = [points[i].sparsity, distance];
  }
  return knee;
}
