// Which nodes work on bytes.
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { answer, type OperatorTable } from '../../ops/nodes.ts';
import { isActive } from '../../passes/match.ts';
import type { Activation } from '../../program/activations.ts';

/** Whether a node can read and make bytes, when the scales of its values are known. */
export function worksOnBytes(graph: Graph, node: Node): boolean {
  if (valueOf(graph, node.inputs[0]).data) return false;
  const values = [...node.inputs, ...node.outputs].filter((value) => value !== '' && !valueOf(graph, value).data);
  return values.every((value) => valueOf(graph, value).shape.length === 4) && answer(table, node, graph);
}

/** Operators whose results have the scale of their input: they copy or choose bytes. */
export function keepsScale({ op }: Node): boolean {
  return ['maxPool', 'resize', 'concat', 'split', 'gather'].includes(op);
}

const clampOnly = (activation: Activation | undefined) => !isActive(activation) || activation.fn === 'clamp';

const isConstant = (graph: Graph, value: string) => valueOf(graph, value).data !== undefined;

const table: OperatorTable<[graph: Graph], boolean> = {
  conv2d({ attributes, inputs: [x, w, b = '', residual = ''] }, graph) {
    const { groups, activation } = attributes;
    const [, channels] = valueOf(graph, x).shape;
    if (!isConstant(graph, w) || (b !== '' && !isConstant(graph, b))) return false;
    return clampOnly(activation) && residual === '' && (groups === 1 || groups === channels);
  },
  convTranspose2d: never,
  linear: never,
  matmul: never,
  topK: never,
  takeAlongAxis: never,
  unary: () => true,
  binary({ attributes: { fn, activation }, inputs: [a, b], outputs: [y] }, graph) {
    if (!clampOnly(activation) || !['add', 'sub', 'mul'].includes(fn)) return false;
    if (isConstant(graph, a) || isConstant(graph, b)) return false;
    const shape = (value: string) => String(valueOf(graph, value).shape);
    const [n, c] = valueOf(graph, y).shape;
    const isPlain = (value: string) => shape(value) === shape(y);
    const isOne = (value: string) => shape(value) === String([n, c, 1, 1]);
    return isPlain(a) ? isPlain(b) || isOne(b) : isOne(a) && isPlain(b) && fn !== 'sub';
  },
  maxPool: ({ attributes: { activation } }) => !isActive(activation),
  averagePool: ({ attributes: { activation, ceilMode } }) => clampOnly(activation) && !ceilMode,
  reduce: ({ attributes: { fn, axes, keepDims } }) => fn === 'mean' && keepDims && String(axes) === '2,3',
  resize: ({ attributes: { mode } }) => mode === 'nearest',
  concat: ({ attributes: { axis }, inputs }, graph) => axis === 1 && !inputs.some((value) => isConstant(graph, value)),
  split: ({ attributes: { axis } }) => axis === 1,
  slice: never,
  gather: ({ attributes: { axis }, inputs: [, indices] }, graph) =>
    axis === 1 && valueOf(graph, indices).shape.length === 1,
  pad: never,
  reshape: never,
  transpose: never,
  depthToSpace: never,
  spaceToDepth: never,
  softmax: never,
  gridSample: never,
};

function never(): boolean {
  return false;
}
