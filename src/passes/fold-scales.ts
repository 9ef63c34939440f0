import { constantOf, removeNode } from '../graph/edit.ts';
import type { Graph, Node } from '../graph/graph.ts';
import type { OperatorName } from '../ops/index.ts';
import { type Affirmed, affirms, isOp, type NodeOf } from '../ops/nodes.ts';
import {
  absorb,
  addRounded,
  constantOperand,
  type Edges,
  isActive,
  type Pass,
  rewriteEach,
  sameShape,
  shapeOf,
} from './match.ts';

/**
 * Folds multiplications and additions of one constant per channel (batch normalisation, mean and deviation of an
 * image) into the weights and bias of the convolution or linear layer before or after them. An addition before a
 * convolution that pads stays, because padding is not shifted.
 */
export const foldScales: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    if (isOp(node, 'binary')) return foldIntoProducer(graph, node, edges);
    if (affirms(scalesInputs, node)) return foldIntoReader(graph, node, edges);
    return false;
  });

/** Whether a scale and a shift of each output channel can become part of the weights and the bias. */
const scalesOutputs = {
  conv2d: true,
  convTranspose2d: true,
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

/** Whether a scale and a shift of each input channel can become part of the weights and the bias. */
const scalesInputs = {
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

type Weighted = NodeOf<Affirmed<typeof scalesOutputs>>;
type Reader = NodeOf<Affirmed<typeof scalesInputs>>;

/** x ↦ scale · x + shift, one of each for every channel. */
interface ChannelMap {
  x: string;
  scale: Float64Array;
  shift: Float64Array;
}

function foldIntoProducer(graph: Graph, node: NodeOf<'binary'>, edges: Edges): boolean {
  const x = constantOperand(graph, node)?.x;
  const layer = x === undefined ? undefined : edges.maker(x);
  if (!affirms(scalesOutputs, layer) || edges.soleReader(x!) !== node) return false;
  if (isActive(layer.attributes.activation) || residualOf(layer) !== '') return false;
  const parameters = parametersOf(graph, layer);
  const map = channelMap(graph, node, channelAxis(layer, shapeOf(graph, x!)));
  if (!parameters || !map) return false;
  const { weights, bias } = parameters;
  const { scale, shift } = map;
  const outputs = scale.length;
  const scaled = Float64Array.from(weights.data);
  const block = scaled.length / weights.shape[0];
  if (isOp(layer, 'convTranspose2d')) {
    // (inputs, outputs / groups, kh, kw)
    const [inputs, perGroup, kh, kw] = weights.shape;
    const groupInputs = inputs / layer.attributes.groups;
    for (let i = 0; i < scaled.length; i++) {
      const input = Math.floor(i / block);
      scaled[i] *= scale[Math.floor(input / groupInputs) * perGroup + (Math.floor(i / (kh * kw)) % perGroup)];
    }
  } else {
    for (let i = 0; i < scaled.length; i++) scaled[i] *= scale[Math.floor(i / block)];
  }
  const newBias = Float64Array.from({ length: outputs }, (_, o) => (bias?.data[o] ?? 0) * scale[o] + shift[o]);
  if (!setParameters(graph, layer, weights.shape, scaled, newBias)) return false;
  layer.attributes = { ...layer.attributes, activation: node.attributes.activation } as typeof layer.attributes;
  absorb(graph, layer, node);
  return true;
}

function foldIntoReader(graph: Graph, layer: Reader, edges: Edges): boolean {
  const [input] = layer.inputs;
  const node = edges.maker(input);
  if (!isOp(node, 'binary') || edges.soleReader(input) !== layer || isActive(node.attributes.activation)) return false;
  const parameters = parametersOf(graph, layer);
  const map = channelMap(graph, node, channelAxis(layer, shapeOf(graph, input)));
  if (!parameters || !map) return false;
  const { weights, bias } = parameters;
  const { scale, shift } = map;
  const isShifted = shift.some((v) => v !== 0);
  const padded = isOp(layer, 'conv2d') && layer.attributes.pads.some((p) => p !== 0);
  if (isShifted && padded) return false;

  // (outputs, inputs / groups, taps)
  const [outputs, perGroup] = weights.shape;
  const taps = weights.data.length / (outputs * perGroup);
  const groups = isOp(layer, 'conv2d') ? layer.attributes.groups : 1;
  const scaled = new Float64Array(weights.data.length);
  const newBias = Float64Array.from({ length: outputs }, (_, o) => bias?.data[o] ?? 0);
  for (let i = 0; i < scaled.length; i++) {
    const o = Math.floor(i / (perGroup * taps));
    const channel = Math.floor((o * groups) / outputs) * perGroup + (Math.floor(i / taps) % perGroup);
    scaled[i] = weights.data[i] * scale[channel];
    newBias[o] += weights.data[i] * shift[channel];
  }
  if (!setParameters(graph, layer, weights.shape, scaled, newBias)) return false;
  layer.inputs[0] = map.x;
  removeNode(graph, node);
  return true;
}

function channelAxis(layer: Node, shape: readonly number[]): number {
  return isOp(layer, 'linear') ? shape.length - 1 : 1;
}

function residualOf(layer: Weighted): string {
  return isOp(layer, 'conv2d') ? (layer.inputs[3] ?? '') : '';
}

function parametersOf(graph: Graph, layer: Weighted) {
  const [, w, b = ''] = layer.inputs;
  const weights = constantOf(graph, w);
  const bias = constantOf(graph, b);
  return weights && (b === '' || bias) ? { weights, bias } : undefined;
}

/** Gives a layer new weights and bias; other layers may share the old ones. False when they are not finite in float32. */
function setParameters(
  graph: Graph,
  layer: Weighted,
  shape: readonly number[],
  weights: Float64Array,
  bias: Float64Array,
): boolean {
  if (!weights.every(isFiniteFloat) || !bias.every(isFiniteFloat)) return false;
  const [x, w, b = ''] = layer.inputs;
  const residual = residualOf(layer);
  const hasBias = b !== '' || bias.some((v) => v !== 0);
  const inputs = [x, addRounded(graph, `${w}_folded`, shape, weights)];
  if (hasBias) inputs.push(addRounded(graph, `${b || `${w}_bias`}_folded`, [bias.length], bias));
  else if (residual !== '') inputs.push('');
  if (residual !== '') inputs.push(residual);
  layer.inputs = inputs;
  return true;
}

function isFiniteFloat(v: number): boolean {
  return Number.isFinite(Math.fround(v));
}

/** The effect of a binary node with one constant operand on each channel; undefined when it is not a scale and a shift. */
function channelMap(graph: Graph, node: NodeOf<'binary'>, axis: number): ChannelMap | undefined {
  const found = constantOperand(graph, node);
  if (!found) return undefined;
  const { x, constantIsFirst } = found;
  const shape = shapeOf(graph, x);
  if (!sameShape(shape, shapeOf(graph, node.outputs[0]))) return undefined;
  const constant = constantOf(graph, found.constant)!;
  const leading = shape.length - constant.shape.length;
  if (!constant.shape.every((d, i) => d === 1 || i + leading === axis)) return undefined;

  const channels = shape[axis];
  const each = (f: (c: number) => number) =>
    Float64Array.from({ length: channels }, (_, i) => f(constant.data[constant.data.length === 1 ? 0 : i]));
  const all = (v: number) => each(() => v);
  switch (node.attributes.fn) {
    case 'mul':
      return { x, scale: each((c) => c), shift: all(0) };
    case 'div':
      return constantIsFirst ? undefined : { x, scale: each((c) => 1 / c), shift: all(0) };
    case 'add':
      return { x, scale: all(1), shift: each((c) => c) };
    case 'sub':
      return constantIsFirst
        ? { x, scale: all(-1), shift: each((c) => c) }
        : { x, scale: all(1), shift: each((c) => -c) };
    default:
      return undefined;
  }
}
