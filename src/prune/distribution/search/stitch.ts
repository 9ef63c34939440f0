// Replaces the weights of some layers of a network.
import { setBias, setWeights } from '../../layers.ts';
import type { Graph } from '../../../graph/graph.ts';

/** The replacement of a layer's weights. */
export interface Replacement {
  /** (rows, columns), row-major. */
  readonly weights: Float32Array;
  /** (rows); absent: the layer's own. */
  readonly bias?: Float32Array;
}

/** The same network with new weights in the named layers. Everything else is shared: do not write to it. */
export function stitched(graph: Graph, replacements: ReadonlyMap<string, Replacement>): Graph {
  const copy: Graph = {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: [...node.inputs] })),
    values: new Map(graph.values),
  };
  for (const [name, replacement] of replacements) replaceWeights(copy, name, replacement);
  return copy;
}

/** Replaces a layer's weights, in place. */
export function replaceWeights(graph: Graph, name: string, { weights, bias }: Replacement): void {
  setWeights(graph, { name }, weights);
  if (bias) setBias(graph, { name }, bias);
}
