// Shapes of the outputs of nodes.
import type { InputType } from '../ops/operator.ts';
import { type Graph, type Node, nodeError, type Shape, valueOf } from './graph.ts';
import { operatorOf } from './operator-of.ts';

/**
 * The shapes of a node's outputs, from its inputs' shapes and constants.
 * @throws FiligreeError `invalid-model` naming the node when the operator is unknown or its inputs do not fit.
 */
export function inferNode(graph: Graph, node: Node): Shape[] {
  const operator = operatorOf(graph, node);
  const inputs = node.inputs.map((name): InputType | undefined => (name === '' ? undefined : valueOf(graph, name)));
  let shapes: Shape[];
  try {
    shapes = operator.infer(node.attributes, inputs);
  } catch (error) {
    throw nodeError(graph, node, error instanceof Error ? error.message : String(error));
  }
  if (shapes.length !== node.outputs.length) {
    throw nodeError(graph, node, `makes ${shapes.length} outputs, ${node.outputs.length} are named`);
  }
  return shapes;
}

/**
 * Records shape and dtype of the outputs of all nodes, in execution order.
 * @throws FiligreeError `invalid-model` naming the first node that does not fit.
 */
export function inferShapes(graph: Graph): void {
  for (const node of graph.nodes) inferOutputs(graph, node);
}

/** Records shape and dtype of one node's outputs. */
export function inferOutputs(graph: Graph, node: Node): void {
  const shapes = inferNode(graph, node);
  node.outputs.forEach((name, i) => {
    const value = graph.values.get(name);
    if (value) {
      value.shape = shapes[i];
      value.dtype = 'float32';
    } else {
      graph.values.set(name, { name, shape: shapes[i], dtype: 'float32' });
    }
  });
}
