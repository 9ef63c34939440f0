// What searches are tested with: layers pruned by magnitude, and samples of a network.
import type { Graph } from '../../../../src/graph/graph.ts';
import { layersOf, weightsOf } from '../../../../src/prune/layers.ts';
import type { Layer } from '../../../../src/prune/layers.ts';
import { magnitudeScores } from '../../../../src/prune/criteria/magnitude-scores.ts';
import { blocksToKeep, masked, select } from '../../../../src/prune/patterns/masks.ts';
import { blocksOf, patternNamed } from '../../../../src/prune/patterns/patterns.ts';
import type { CandidateMaker } from '../../../../src/prune/distribution/search/candidates.ts';
import { Tensor, elementCount } from '../../../../src/tensor.ts';
import { randomFloats } from '../../../kernels/wasm.ts';
import { valueOf } from '../../../../src/graph/graph.ts';

/** Prunes the layers of a network by magnitude. */
export function byMagnitude(graph: Graph, name = 'unstructured'): CandidateMaker {
  const pattern = patternNamed(name);
  return (layer, sparsities) => {
    const { blocks } = blocksOf(pattern, layer);
    const weights = weightsOf(graph, layer);
    const scores = magnitudeScores(weights, blocks);
    return sparsities.map((sparsity) => ({
      weights: masked(weights, select(scores, blocks, blocksToKeep(blocks, sparsity))),
      error: sparsity ** 2,
    }));
  };
}

/** Layers that are pruned if nothing else is asked for. */
export const prunable = (graph: Graph): Layer[] => layersOf(graph).filter(({ exempt }) => exempt === undefined);

/** Random inputs of any network, in its author's order of axes. */
export function samplesFor(graph: Graph, count: number): Record<string, Tensor>[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      graph.inputs.map(({ name, value, permutation }) => {
        const { shape } = valueOf(graph, value);
        const own = permutation ? permutation.map((axis) => shape[axis]) : [...shape];
        return [name, new Tensor('float32', own, randomFloats(500 + i)(elementCount(own)))];
      }),
    ),
  );
}
