// The layers of a network with weights to prune.
import { isPointwise } from '../ops/conv2d.ts';
import { isOp } from '../ops/nodes.ts';
import { groupsOf, isLayer, type LayerNode } from './layer-nodes.ts';
import { addConstant, consumers, isGraphOutput, producers } from '../graph/edit.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { nodeError, valueOf } from '../graph/graph.ts';
import { asFloat32 } from '../graph/constant.ts';
import { elementCount } from '../tensor.ts';

/** `grouped` stands for convolutions in more groups than one that are not depthwise. */
export type LayerKind = 'pointwise' | 'convolution' | 'depthwise' | 'grouped' | 'linear';

/** Why a layer stays dense by default. */
export type Exemption = 'first' | 'depthwise' | 'head';

/** A convolution or linear layer: y = W · x, W of (rows, columns), row-major; a convolution's columns are (I / groups, kh, kw). */
export interface Layer {
  /** Its node's name. */
  readonly name: string;
  readonly kind: LayerKind;
  /** (O, I / groups, kh, kw); of a linear layer (O, I, 1, 1). */
  readonly shape: readonly [outputs: number, inputs: number, kh: number, kw: number];
  readonly rows: number;
  readonly columns: number;
  readonly groups: number;
  /** `first`: no layer before it; `head`: no layer after it on some path to an output. */
  readonly exempt?: Exemption;
}

/** Every layer with constant weights, in execution order. The graph is an optimised one. */
export function layersOf(graph: Graph): Layer[] {
  const weighted = graph.nodes.filter((node) => isLayer(graph, node));
  const first = withoutLayersOn(graph, weighted, 'before');
  const heads = withoutLayersOn(graph, weighted, 'behind');
  return weighted.map((node) => {
    const shape = valueOf(graph, node.inputs[1]).shape;
    const [rows, inputs, kh = 1, kw = 1] = shape;
    const groups = groupsOf(node);
    const kind = kindOf(graph, node);
    const exempt = first.has(node)
      ? 'first'
      : heads.has(node)
        ? 'head'
        : kind === 'depthwise'
          ? 'depthwise'
          : undefined;
    return { name: node.name, kind, shape: [rows, inputs, kh, kw], rows, columns: inputs * kh * kw, groups, exempt };
  });
}

/** The node of a layer. @throws FiligreeError `invalid-model` */
export function nodeOf(graph: Graph, { name }: Pick<Layer, 'name'>): Node {
  const node = graph.nodes.find((candidate) => candidate.name === name);
  if (!node) throw new Error(`${graph.name}: no node "${name}"`);
  return node;
}

/** (rows, columns) weights, row-major. Not a copy: do not write to it. */
export function weightsOf(graph: Graph, layer: Pick<Layer, 'name'>): Float32Array {
  const node = nodeOf(graph, layer);
  const { dtype, data } = valueOf(graph, node.inputs[1]);
  if (!data) throw nodeError(graph, node, 'its weights are computed');
  return asFloat32(dtype, data);
}

/** (rows) biases, or undefined for a layer that has none. Not a copy: do not write to it. */
export function biasOf(graph: Graph, layer: Pick<Layer, 'name'>): Float32Array | undefined {
  const value = nodeOf(graph, layer).inputs[2];
  if (!value) return undefined;
  const { dtype, data } = valueOf(graph, value);
  return data && asFloat32(dtype, data);
}

/** Gives a layer new weights of the same shape under a new name, so that other nodes and graphs keep the shared ones. */
export function setWeights(graph: Graph, layer: Pick<Layer, 'name'>, weights: Float32Array): void {
  setConstant(graph, layer, 1, weights);
}

/** Gives a layer new biases, even if it had none. */
export function setBias(graph: Graph, layer: Pick<Layer, 'name'>, bias: Float32Array): void {
  setConstant(graph, layer, 2, bias);
}

function setConstant(graph: Graph, layer: Pick<Layer, 'name'>, input: 1 | 2, data: Float32Array): void {
  const node = nodeOf(graph, layer);
  const old = node.inputs[input] ?? '';
  const [rows] = valueOf(graph, node.inputs[1]).shape;
  const shape = old === '' ? [rows] : valueOf(graph, old).shape;
  if (elementCount(shape) !== data.length) {
    throw nodeError(graph, node, `wanted ${elementCount(shape)} numbers for [${shape}], got ${data.length}`);
  }
  const name = addConstant(graph, old === '' ? `${layer.name}.bias` : old, shape, data);
  node.inputs[input] = name;
  if (old !== '' && !consumers(graph).has(old) && !isGraphOutput(graph, old)) graph.values.delete(old);
}

function kindOf(graph: Graph, node: LayerNode): LayerKind {
  if (isOp(node, 'linear')) return 'linear';
  const [x, w] = node.inputs;
  const { groups } = node.attributes;
  if (groups > 1) return groups === valueOf(graph, x).shape[1] ? 'depthwise' : 'grouped';
  return isPointwise(node.attributes, valueOf(graph, w).shape) ? 'pointwise' : 'convolution';
}

/** Layers with a path to an input (`before`) or an output (`behind`) that has no other layer. */
function withoutLayersOn(graph: Graph, weighted: readonly Node[], side: 'before' | 'behind'): Set<Node> {
  const layers = new Set(weighted);
  const made = producers(graph);
  const readers = consumers(graph);
  const found = new Set<Node>();
  const seen = new Set<string>();
  const visit = (value: string): void => {
    if (seen.has(value)) return;
    seen.add(value);
    const next = side === 'before' ? (readers.get(value) ?? []) : [made.get(value)];
    for (const node of next) {
      if (!node) continue;
      // the residual added to a layer's sum comes from another path
      if (layers.has(node) && (side === 'behind' || node.inputs[0] === value)) found.add(node);
      else (side === 'before' ? node.outputs : node.inputs).forEach(visit);
    }
  };
  for (const { value } of side === 'before' ? graph.inputs : graph.outputs) visit(value);
  return found;
}
