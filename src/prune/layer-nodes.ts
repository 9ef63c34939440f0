// Nodes that are layers: the operators with weights to prune, and the axes of their channels.
import type { Graph, Node } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import type { OperatorName } from '../ops/index.ts';
import { type Affirmed, affirms, isOp, type NodeOf } from '../ops/nodes.ts';

/** Whether an operator's second input is prunable weights, (outputs, inputs, …), and its third a bias. */
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
  gridSample: false,
} as const satisfies Record<OperatorName, boolean>;

export type LayerNode = NodeOf<Affirmed<typeof hasWeights>>;

/** Whether a node is a layer: its operator has weights, and they are constant. */
export function isLayer(graph: Graph, node: Node | undefined): node is LayerNode {
  return affirms(hasWeights, node) && valueOf(graph, node.inputs[1]).data !== undefined;
}

/** Number of channel groups of a layer, which are independent of each other. */
export function groupsOf(layer: Node): number {
  return isOp(layer, 'conv2d') ? layer.attributes.groups : 1;
}

/** The channel axis of a layer's input and output, which have `rank` axes. */
export function channelAxis(layer: Node, rank: number): number {
  return isOp(layer, 'linear') ? rank - 1 : 1;
}
