// Channels that have the same number at every pixel for any input: the bias and activation of pruned rows.
import { applyActivation } from '../../graph/activation.ts';
import { constantOf } from '../../graph/edit.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { applyBinary } from '../../ops/binary.ts';
import { answer, isOp, type NodeOf, type OperatorTable } from '../../ops/nodes.ts';
import type { Activation } from '../../program/activations.ts';
import { biasOf, setBias, weightsOf } from '../layers.ts';
import { cloneGraph } from '../../graph/clone.ts';
import type { ChannelChoice } from './remove.ts';
import { channelSpaces } from './spaces.ts';
import { columnsOf, dimensionsOf } from './uses.ts';

/** For each channel, the number that all its pixels equal; NaN if they differ or nothing is known. Channels are axis 1. */
type Levels = Float64Array;

/**
 * A copy of the graph in which the constant contributions of these channels are part of the biases of the layers that read
 * them. The layers' weights for these channels can then be removed. Exact for layers without padding; at padded borders the
 * channels count as if they continued.
 */
export function foldConstantChannels(graph: Graph, removed: ChannelChoice): Graph {
  const levels = constantChannels(graph);
  const folded = cloneGraph(graph);
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  for (const { name, consumers } of channelSpaces(graph)) {
    const channels = [...(removed.get(name) ?? [])];
    if (channels.length === 0) continue;
    for (const use of consumers) {
      const known = levels.get(nodes.get(use.layer)!.inputs[0]);
      if (!known) continue;
      const dimensions = dimensionsOf(graph, use.layer);
      const { rows, columns, inputs, taps, groups } = dimensions;
      const weights = weightsOf(graph, { name: use.layer });
      const old = biasOf(folded, { name: use.layer });
      const bias = Float64Array.from({ length: rows }, (_, row) => old?.[row] ?? 0);
      let isChanged = false;
      for (let group = 0; group < groups; group++) {
        const own = columnsOf(use, dimensions, group);
        for (const column of channels.flatMap((channel) => [...own[channel]])) {
          const level = known[group * inputs + Math.floor(column / taps)];
          if (!(Math.abs(level) > 0)) continue;
          isChanged = true;
          for (let row = (group * rows) / groups; row < ((group + 1) * rows) / groups; row++) {
            bias[row] += weights[row * columns + column] * level;
          }
        }
      }
      if (isChanged) setBias(folded, { name: use.layer }, Float32Array.from(bias));
    }
  }
  return folded;
}

/** The levels of all values with constant channels. */
export function constantChannels(graph: Graph): Map<string, Levels> {
  const known = new Map<string, Levels>();
  for (const node of graph.nodes) {
    const found = answer(levelRules, node, { graph, known });
    node.outputs.forEach((name, i) => {
      const levels = found[i];
      if (levels?.some((level) => !Number.isNaN(level))) known.set(name, levels);
    });
  }
  return known;
}

/** The levels of a node's outputs, one entry per output. */
type OutputLevels = (Levels | undefined)[];

/** What is known about the inputs of a node. */
interface Knowledge {
  graph: Graph;
  known: ReadonlyMap<string, Levels>;
}

const levelRules: OperatorTable<[knowledge: Knowledge], OutputLevels> = {
  conv2d: weightedLevels,
  convTranspose2d: nothing,
  linear: weightedLevels,
  matmul: nothing,
  topK: nothing,
  takeAlongAxis: nothing,
  unary: fromInput((node: NodeOf<'unary'>, x) => [
    x.map((level) => Math.fround(applyActivation(level, node.attributes))),
  ]),
  binary: binaryLevels,
  maxPool: fromInput((node: NodeOf<'maxPool'>, x) => [activated(x, node.attributes.activation)]),
  averagePool: fromInput(({ attributes }: NodeOf<'averagePool'>, x) => {
    const { pads, activation, countIncludePad } = attributes;
    const isDiluted = countIncludePad && pads.some((pad) => pad !== 0);
    const y = activated(x, activation);
    return [isDiluted ? y.map((level, i) => (x[i] === 0 ? level : NaN)) : y];
  }),
  reduce: fromInput(({ attributes: { fn, axes } }: NodeOf<'reduce'>, x) =>
    fn !== 'sum' && !axes.includes(0) && !axes.includes(1) ? [x] : [],
  ),
  resize: fromInput((_: Node, x) => [x]),
  concat(node, { graph, known }) {
    if (node.attributes.axis !== 1) return [];
    const parts = node.inputs.map((input) => {
      const count = valueOf(graph, input).shape[1];
      return known.get(input) ?? new Float64Array(count).fill(NaN);
    });
    return [Float64Array.from(parts.flatMap((part) => [...part]))];
  },
  split: fromInput(({ attributes: { axis, sizes } }: NodeOf<'split'>, x) => {
    if (axis !== 1) return [];
    let start = 0;
    return sizes.map((size) => x.subarray(start, (start += size)));
  }),
  slice: fromInput(({ attributes: { starts, sizes, steps } }: NodeOf<'slice'>, x) => [
    Float64Array.from({ length: sizes[1] }, (_, i) => x[starts[1] + i * steps[1]]),
  ]),
  gather: nothing,
  pad: nothing,
  reshape: fromInput((node: NodeOf<'reshape'>, x, graph) => {
    const { shape } = valueOf(graph, node.inputs[0]);
    const [batch, count] = valueOf(graph, node.outputs[0]).shape;
    const pixels = shape.slice(2).reduce((a, b) => a * b, 1);
    if (batch !== shape[0] || (count !== shape[1] && count !== shape[1] * pixels)) return [];
    return [Float64Array.from({ length: count }, (_, i) => x[Math.floor((i * shape[1]) / count)])];
  }),
  transpose: nothing,
  depthToSpace: nothing,
  spaceToDepth: nothing,
  softmax: nothing,
  gridSample: nothing,
};

function nothing(): OutputLevels {
  return [];
}

/** A rule for nodes whose first input has levels. Nothing is known about the outputs of others. */
function fromInput<N extends Node>(rule: (node: N, x: Levels, graph: Graph) => OutputLevels) {
  return (node: N, { graph, known }: Knowledge): OutputLevels => {
    const x = known.get(node.inputs[0]);
    return x ? rule(node, x, graph) : [];
  };
}

function activated(x: Levels, activation: Activation | undefined): Levels {
  return x.map((level) => Math.fround(applyActivation(level, activation)));
}

/** Levels of rows that read only constant channels. */
function weightedLevels(node: NodeOf<'conv2d' | 'linear'>, { graph, known }: Knowledge): OutputLevels {
  const [name, w, b = '', residual = ''] = node.inputs;
  const weights = constantOf(graph, w);
  const bias = constantOf(graph, b);
  if (!weights || (b !== '' && !bias)) return [];
  if (isOp(node, 'linear') && valueOf(graph, name).shape.length !== 2) return [];
  const { rows, inputs, taps, columns, groups } = dimensionsOf(graph, node.name);
  const isPadded = isOp(node, 'conv2d') && node.attributes.pads.some((pad) => pad !== 0);
  const x = known.get(name);
  const added = residual === '' ? undefined : known.get(residual);
  const levels = Float64Array.from({ length: rows }, (_, row) => {
    let sum = bias?.data[row] ?? 0;
    for (let column = 0; column < columns; column++) {
      const weight = weights.data[row * columns + column];
      if (weight === 0) continue;
      const level = x?.[Math.floor((row * groups) / rows) * inputs + Math.floor(column / taps)] ?? NaN;
      if (Number.isNaN(level) || (isPadded && level !== 0)) return NaN;
      sum += weight * level;
    }
    if (residual !== '') sum += added?.[row] ?? NaN;
    return Math.fround(applyActivation(Math.fround(sum), node.attributes.activation));
  });
  return [levels];
}

function binaryLevels(node: NodeOf<'binary'>, { graph, known }: Knowledge): OutputLevels {
  const { shape } = valueOf(graph, node.outputs[0]);
  const { fn, activation } = node.attributes;
  const operands = node.inputs.map((name) => operandLevels(graph, name, shape, known));
  if (shape.length < 2) return [];
  const levels = Float64Array.from({ length: shape[1] }, (_, c) => {
    const [a, b] = operands.map((levels) => levels?.[levels.length === 1 ? 0 : c] ?? NaN);
    if (fn === 'mul' && (a === 0 || b === 0)) return 0; // for any finite value of the other
    return Math.fround(applyActivation(applyBinary(fn, a, b), activation));
  });
  return [levels];
}

function operandLevels(
  graph: Graph,
  name: string,
  onto: readonly number[],
  known: ReadonlyMap<string, Levels>,
): ArrayLike<number> | undefined {
  const { shape } = valueOf(graph, name);
  const constant = constantOf(graph, name);
  if (!constant) return shape.length === onto.length ? known.get(name) : undefined;
  const axis = shape.length - onto.length + 1;
  return shape.every((size, i) => size === 1 || i === axis) ? constant.data : undefined;
}
