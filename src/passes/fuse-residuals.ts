import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import type { OperatorName } from '../ops/index.ts';
import { affirms, isOp, type NodeOf } from '../ops/nodes.ts';
import { absorb, type Edges, isActive, isByteNode, type Pass, rewriteEach, sameShape, shapeOf } from './match.ts';

/** Whether an operator adds its fourth input to its output, before its activation. */
const addsResidual = {
  conv2d: true,
  convTranspose2d: false,
  linear: false,
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

/**
 * An addition that is the only reader of a convolution's output becomes the convolution's residual, with the addition's
 * activation. Of two convolutions, the later one takes the other's output as its residual.
 */
export const fuseResiduals: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    if (!isOp(node, 'binary') || node.attributes.fn !== 'add') return false;
    const [a, b] = node.inputs;
    const order = (value: string) => graph.nodes.indexOf(edges.maker(value)!);
    const [earlier, later] = order(a) <= order(b) ? [a, b] : [b, a];
    return fuse(graph, edges, node, later, earlier) || fuse(graph, edges, node, earlier, later);
  });

/** Makes `residual` part of the convolution that makes `value`. */
function fuse(graph: Graph, edges: Edges, add: NodeOf<'binary'>, value: string, residual: string): boolean {
  const layer = edges.maker(value);
  if (value === residual || !affirms(addsResidual, layer) || edges.soleReader(value) !== add) return false;
  if (isByteNode(graph, layer) || isByteNode(graph, add)) return false;
  const [x, weights, bias = '', other = ''] = layer.inputs;
  const { groups, activation } = layer.attributes;
  if (groups !== 1 || isActive(activation) || other !== '') return false;
  // a constant has another layout than planes; kernels for one pixel take no residual
  if (valueOf(graph, residual).data || !sameShape(shapeOf(graph, residual), shapeOf(graph, value))) return false;
  const [, , height, width] = shapeOf(graph, value);
  if (height * width === 1) return false;
  const maker = edges.maker(residual);
  if (maker && graph.nodes.indexOf(maker) > graph.nodes.indexOf(layer)) {
    graph.nodes.splice(graph.nodes.indexOf(layer), 1);
    graph.nodes.splice(graph.nodes.indexOf(add), 0, layer);
  }
  absorb(graph, layer, add);
  layer.inputs = [x, weights, bias, residual];
  layer.attributes = { ...layer.attributes, activation: add.attributes.activation };
  return true;
}
