import { constantOf, replaceUses } from '../graph/edit.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { isIdentity } from '../graph/permute.ts';
import type { Activation } from '../program/activations.ts';
import { isOp, type NodeOf } from '../ops/nodes.ts';
import { become, constantOperand, isActive, type Pass, rewriteEach, sameShape, shapeOf } from './match.ts';

/** Removes nodes that return their input: what is left of one with a fused activation is that activation. */
export const dropIdentities: Pass = (graph) =>
  rewriteEach(graph, (node) => {
    const x = passedThrough(graph, node);
    if (x === undefined) return false;
    const { activation } = node.attributes as { activation?: Activation };
    if (isActive(activation)) return become(node, 'unary', activation, [x]);
    return replaceUses(graph, node.outputs[0], x);
  });

/** The input that a node's output equals, its activation aside. */
function passedThrough(graph: Graph, node: Node): string | undefined {
  const [x] = node.inputs;
  const shape = shapeOf(graph, x);
  if (isOp(node, 'binary')) return neutralBinary(graph, node);
  return isNeutral(graph, node, shape) ? x : undefined;
}

function isNeutral(graph: Graph, node: Node, shape: readonly number[]): boolean {
  if (isOp(node, 'unary')) {
    const { fn, alpha, beta } = node.attributes;
    return fn === 'identity' || (fn === 'clamp' && alpha === -Infinity && beta === Infinity);
  }
  if (isOp(node, 'reshape')) return sameShape(node.attributes.shape, shape);
  if (isOp(node, 'transpose')) return isIdentity(node.attributes.permutation);
  if (isOp(node, 'pad')) return [...node.attributes.before, ...node.attributes.after].every((n) => n === 0);
  if (isOp(node, 'slice')) {
    const { starts, sizes, steps } = node.attributes;
    return shape.every((d, i) => starts[i] === 0 && sizes[i] === d && (steps[i] === 1 || d === 1));
  }
  if (isOp(node, 'concat')) return node.inputs.length === 1;
  if (isOp(node, 'split')) return node.outputs.length === 1;
  if (isOp(node, 'depthToSpace', 'spaceToDepth')) return node.attributes.blockSize === 1;
  if (isOp(node, 'reduce')) return node.attributes.axes.every((axis) => shape[axis] === 1) && isSameShape(graph, node);
  if (isOp(node, 'resize')) return isSameSize(node, shape);
  if (isOp(node, 'maxPool', 'averagePool')) {
    const { kernel, stride, pads } = node.attributes;
    return [...kernel, ...stride].every((n) => n === 1) && pads.every((n) => n === 0);
  }
  return false;
}

function isSameShape(graph: Graph, node: Node): boolean {
  return sameShape(shapeOf(graph, node.inputs[0]), shapeOf(graph, node.outputs[0]));
}

function isSameSize({ attributes }: NodeOf<'resize'>, shape: readonly number[]): boolean {
  const { size, scales } = attributes;
  return size[0] === shape[2] && size[1] === shape[3] && (!scales || (scales[0] === 1 && scales[1] === 1));
}

/** x of x + 0, x − 0, x · 1, x / 1 and x¹. */
function neutralBinary(graph: Graph, node: NodeOf<'binary'>): string | undefined {
  const found = constantOperand(graph, node);
  if (!found || !sameShape(shapeOf(graph, found.x), shapeOf(graph, node.outputs[0]))) return undefined;
  const { fn } = node.attributes;
  const neutral = { add: 0, sub: 0, mul: 1, div: 1, pow: 1, min: Infinity, max: -Infinity, prelu: 1 }[fn];
  const commutes = fn === 'add' || fn === 'mul' || fn === 'min' || fn === 'max';
  if (found.constantIsFirst && !commutes) return undefined;
  return constantOf(graph, found.constant)!.data.every((v) => v === neutral) ? found.x : undefined;
}
