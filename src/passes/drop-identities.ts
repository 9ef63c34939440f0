import { constantOf, replaceUses } from '../graph/edit.ts';
import type { Graph, Node, Shape } from '../graph/graph.ts';
import { isIdentity } from '../graph/permute.ts';
import type { Activation } from '../program/activations.ts';
import type { BinaryFunction } from '../ops/binary.ts';
import { answer, isOp, type NodeOf, type OperatorTable } from '../ops/nodes.ts';
import { become, constantOperand, isActive, type Pass, rewriteEach, sameShape, shapeOf } from './match.ts';

/** Removes nodes that return their input. One with a fused activation becomes that activation. */
export const dropIdentities: Pass = (graph) =>
  rewriteEach(graph, (node) => {
    const x = passedThrough(graph, node);
    if (x === undefined) return false;
    const { activation } = node.attributes as { activation?: Activation };
    if (isActive(activation)) return become(node, 'unary', activation, [x]);
    return replaceUses(graph, node.outputs[0], x);
  });

/** The input that a node's output equals, apart from its activation. */
function passedThrough(graph: Graph, node: Node): string | undefined {
  const [x] = node.inputs;
  const shape = shapeOf(graph, x);
  if (isOp(node, 'binary')) return neutralBinary(graph, node);
  return answer(isNeutral, node, graph, shape) ? x : undefined;
}

/** Whether a node's output equals its first input, apart from its activation. See neutralBinary for `binary`. */
const isNeutral: OperatorTable<[graph: Graph, shape: Shape], boolean> = {
  conv2d: never,
  convTranspose2d: never,
  linear: never,
  matmul: never,
  topK: never,
  takeAlongAxis: never,
  unary({ attributes: { fn, alpha, beta } }) {
    return fn === 'identity' || (fn === 'clamp' && alpha === -Infinity && beta === Infinity);
  },
  binary: never,
  maxPool: isOnePixelWindow,
  averagePool: isOnePixelWindow,
  reduce(node, graph, shape) {
    return node.attributes.axes.every((axis) => shape[axis] === 1) && isSameShape(graph, node);
  },
  resize: ({ attributes: { size, scales } }, _, shape) =>
    size[0] === shape[2] && size[1] === shape[3] && (!scales || (scales[0] === 1 && scales[1] === 1)),
  concat: ({ inputs }) => inputs.length === 1,
  split: ({ outputs }) => outputs.length === 1,
  slice({ attributes: { starts, sizes, steps } }, _, shape) {
    return shape.every((d, i) => starts[i] === 0 && sizes[i] === d && (steps[i] === 1 || d === 1));
  },
  gather: never,
  pad: ({ attributes: { before, after } }) => [...before, ...after].every((n) => n === 0),
  reshape: ({ attributes }, _, shape) => sameShape(attributes.shape, shape),
  transpose: ({ attributes }) => isIdentity(attributes.permutation),
  depthToSpace: ({ attributes }) => attributes.blockSize === 1,
  spaceToDepth: ({ attributes }) => attributes.blockSize === 1,
  softmax: never,
  gridSample: never,
};

function never(): boolean {
  return false;
}

function isOnePixelWindow({ attributes: { kernel, stride, pads } }: NodeOf<'maxPool' | 'averagePool'>): boolean {
  return [...kernel, ...stride].every((n) => n === 1) && pads.every((n) => n === 0);
}

function isSameShape(graph: Graph, node: Node): boolean {
  return sameShape(shapeOf(graph, node.inputs[0]), shapeOf(graph, node.outputs[0]));
}

const neutrals: Partial<Record<BinaryFunction, number>> = {
  add: 0,
  sub: 0,
  mul: 1,
  div: 1,
  pow: 1,
  min: Infinity,
  max: -Infinity,
  prelu: 1,
};

/** x of x + 0, x − 0, x · 1, x / 1 and x¹. */
function neutralBinary(graph: Graph, node: NodeOf<'binary'>): string | undefined {
  const found = constantOperand(graph, node);
  if (!found || !sameShape(shapeOf(graph, found.x), shapeOf(graph, node.outputs[0]))) return undefined;
  const { fn } = node.attributes;
  const neutral = neutrals[fn];
  const commutes = fn === 'add' || fn === 'mul' || fn === 'min' || fn === 'max';
  if (found.constantIsFirst && !commutes) return undefined;
  if (neutral === undefined) return undefined;
  return constantOf(graph, found.constant)!.data.every((v) => v === neutral) ? found.x : undefined;
}
