// How large a network is.
import { type Graph, type Node, valueOf } from '../src/graph/graph.ts';
import { elementCount } from '../src/tensor.ts';

const weighted = (node: Node): boolean => node.op === 'conv2d' || node.op === 'linear';

/** Weights and biases of convolutions and linear layers. */
export function parameterCount(graph: Graph): number {
  const names = new Set(graph.nodes.filter(weighted).flatMap((node) => node.inputs.slice(1)));
  return [...names].reduce((sum, name) => sum + elementCount(valueOf(graph, name).shape), 0);
}

/** Multiply-accumulates of convolutions and linear layers, zeros and padding included. */
export function macCount(graph: Graph): number {
  return graph.nodes.filter(weighted).reduce((sum, { inputs, outputs }) => {
    const perOutput = elementCount(valueOf(graph, inputs[1]).shape.slice(1));
    return sum + perOutput * elementCount(valueOf(graph, outputs[0]).shape);
  }, 0);
}
