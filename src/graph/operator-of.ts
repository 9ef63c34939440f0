import { operatorNamed } from '../ops/index.ts';
import type { Operator } from '../ops/operator.ts';
import { type Graph, type Node, nodeError } from './graph.ts';

/** The operator of a node. @throws FiligreeError `invalid-model` naming the node, when there is no operator of that name */
export function operatorOf(graph: Graph, node: Node): Operator {
  const operator = operatorNamed(node.op);
  if (!operator) throw nodeError(graph, node, `there is no operator "${node.op}"`);
  return operator;
}
