// The scales γ of batch norms, a criterion for pruning. Only files that still contain their batch norms have them.
import { constantOf, producers } from '../../graph/edit.ts';
import type { Graph } from '../../graph/graph.ts';
import { affirms, isOp } from '../../ops/nodes.ts';
import { hasWeights } from '../layer-nodes.ts';
import { constantOperand } from '../../passes/match.ts';
import type { ChannelSpace } from './spaces.ts';

/**
 * γ of the batch norm after each layer, for each of its rows, by the layer's name. Layers without one are not listed. The
 * graph must be as imported, because passes fold batch norms into weights, and γ is lost. Files in which γ and the variance
 * are one factor already (TFLite) have none.
 */
export function batchNormScales(graph: Graph): Map<string, Float32Array> {
  const made = producers(graph);
  const scales = new Map<string, Float32Array>();
  for (const node of graph.nodes) {
    if (!isOp(node, 'binary') || node.attributes.fn !== 'mul') continue;
    const operand = constantOperand(graph, node);
    const layer = operand && made.get(operand.x);
    if (!affirms(hasWeights, layer)) continue;
    // the importer's name (import/onnx/operators/normalisation.ts)
    const factor = /^(.*)\/factor(_\d+)?$/.exec(operand!.constant);
    const scale = factor && constantOf(graph, `${factor[1]}/scale${factor[2] ?? ''}`);
    if (scale) scales.set(layer.name, scale.data);
  }
  return scales;
}

/** The sum of |γ| over the layers that make the channels and their depthwise layers. Layers without γ do not count. */
export function scaleScores(
  space: ChannelSpace,
  scales: ReadonlyMap<string, ArrayLike<number>>,
): Float64Array | undefined {
  const uses = [...space.producers, ...space.depthwise].filter(({ layer }) => scales.has(layer));
  if (uses.length === 0) return undefined;
  const scores = new Float64Array(space.size);
  for (const { layer, positions } of uses) {
    const gamma = scales.get(layer)!;
    positions.forEach((list, channel) => list.forEach((row) => (scores[channel] += Math.abs(gamma[row]))));
  }
  return scores;
}
