// Nodes that are layers: which operators have weights to prune, and where their channels are.
import type { Graph, Node } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import type { OperatorName } from '../ops/index.ts';
import { type Affirmed, affirms, isOp, type NodeOf } from '../ops/nodes.ts';

/** Whether an operator's second input are weights that can be pruned, (outputs, inputs, …), and its third a bias. */
export const hasWeights = {
  conv2d: true,
  convTranspose2d: false,
  linear: true,
  matmul: false,
  topK: false,
  takeAlongAxis: false,
  unary: false,
  binary: false,
  maxPool: false,
  averagePool: false,
  reduce: false,
  resize: false,
  concat: false,
  split: false,
  slice: false,
  gather: false,
  pad: false,
  reshape: false,
  transpose: false,
  depthToSpace: false,
  spaceToDepth: false,
  softmax: false,
} as const satisfies Record<OperatorName, boolean>;

export type LayerNode = NodeOf<Affirmed<typeof hasWeights>>;

/** Whether a node is a layer: of an operator with weights, and its weights are constant. */
export function isLayer(graph: Graph, node: Node | undefined): node is LayerNode {
  return affirms(hasWeights, node) && valueOf(graph, node.inputs[1]).data !== undefined;
}

/** Groups of channels that a layer works on apart from each other. */
export function groupsOf(layer: Node): number {
  return isOp(layer, 'conv2d') ? layer.attributes.groups : 1;
}

/** The axis of a layer's input and output that channels are on, of `rank` axes. */
export function channelAxis(layer: Node, rank: number): number {
  return isOp(layer, 'linear') ? rank - 1 : 1;
}
