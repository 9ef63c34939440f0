// Channels that are one number at every pixel, whatever the input: what pruned rows leave of their bias and activation.
import { applyActivation } from '../../graph/activation.ts';
import { constantOf } from '../../graph/edit.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import type { BinaryFunction } from '../../ops/binary.ts';
import { isOp, type NodeOf } from '../../ops/nodes.ts';
import { biasOf, setBias, weightsOf } from '../layers.ts';
import { cloneGraph } from '../prepare.ts';
import type { ChannelChoice } from './remove.ts';
import { channelSpaces } from './spaces.ts';
import { columnsOf, dimensionsOf } from './uses.ts';

/** Of each channel the number that all its pixels are, NaN where they differ or nothing is known. Channels are axis 1. */
type Levels = Float64Array;

/**
 * A copy of the graph in which layers have added to their biases what these channels give them, as far as it is the same at
 * every pixel; their weights for them are not read any more and may go. Exact for layers without padding; at padded borders
 * the channels count as if they went on.
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

/** The levels of all values that have any. */
export function constantChannels(graph: Graph): Map<string, Levels> {
  const known = new Map<string, Levels>();
  for (const node of graph.nodes) {
    const found = levelsOf(graph, node, known);
    node.outputs.forEach((name, i) => {
      const levels = found[i];
      if (levels?.some((level) => !Number.isNaN(level))) known.set(name, levels);
    });
  }
  return known;
}

function levelsOf(graph: Graph, node: Node, known: ReadonlyMap<string, Levels>): (Levels | undefined)[] {
  const [name] = node.inputs;
  const x = known.get(name);
  const shape = name === '' ? [] : valueOf(graph, name).shape;
  if (isOp(node, 'conv2d', 'linear')) return [weightedLevels(graph, node, known)];
  if (isOp(node, 'binary')) return [binaryLevels(graph, node, known)];
  if (isOp(node, 'concat') && node.attributes.axis === 1) {
    const parts = node.inputs.map((input) => {
      const count = valueOf(graph, input).shape[1];
      return known.get(input) ?? new Float64Array(count).fill(NaN);
    });
    return [Float64Array.from(parts.flatMap((part) => [...part]))];
  }
  if (!x) return [];
  if (isOp(node, 'unary')) return [x.map((level) => Math.fround(applyActivation(level, node.attributes)))];
  if (isOp(node, 'resize')) return [x];
  if (isOp(node, 'maxPool', 'averagePool')) {
    const { pads, activation } = node.attributes;
    const isDiluted = isOp(node, 'averagePool') && node.attributes.countIncludePad && pads.some((pad) => pad !== 0);
    return [x.map((level) => (isDiluted && level !== 0 ? NaN : Math.fround(applyActivation(level, activation))))];
  }
  if (isOp(node, 'reduce')) {
    const { fn, axes } = node.attributes;
    return fn !== 'sum' && !axes.includes(0) && !axes.includes(1) ? [x] : [];
  }
  if (isOp(node, 'split') && node.attributes.axis === 1) {
    let start = 0;
    return node.attributes.sizes.map((size) => x.subarray(start, (start += size)));
  }
  if (isOp(node, 'slice')) {
    const { starts, sizes, steps } = node.attributes;
    return [Float64Array.from({ length: sizes[1] }, (_, i) => x[starts[1] + i * steps[1]])];
  }
  if (isOp(node, 'reshape')) {
    const [batch, count] = valueOf(graph, node.outputs[0]).shape;
    const pixels = shape.slice(2).reduce((a, b) => a * b, 1);
    if (batch !== shape[0] || (count !== shape[1] && count !== shape[1] * pixels)) return [];
    return [Float64Array.from({ length: count }, (_, i) => x[Math.floor((i * shape[1]) / count)])];
  }
  return [];
}

/** Rows that read nothing but what is level. */
function weightedLevels(
  graph: Graph,
  node: NodeOf<'conv2d' | 'linear'>,
  known: ReadonlyMap<string, Levels>,
): Levels | undefined {
  const [name, w, b = '', residual = ''] = node.inputs;
  const weights = constantOf(graph, w);
  const bias = constantOf(graph, b);
  if (!weights || (b !== '' && !bias)) return undefined;
  if (isOp(node, 'linear') && valueOf(graph, name).shape.length !== 2) return undefined;
  const { rows, inputs, taps, columns, groups } = dimensionsOf(graph, node.name);
  const isPadded = isOp(node, 'conv2d') && node.attributes.pads.some((pad) => pad !== 0);
  const x = known.get(name);
  const added = residual === '' ? undefined : known.get(residual);
  return Float64Array.from({ length: rows }, (_, row) => {
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
}

const functions: Record<BinaryFunction, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  pow: Math.pow,
  prelu: (a, b) => (a < 0 ? b * a : a),
};

function binaryLevels(graph: Graph, node: NodeOf<'binary'>, known: ReadonlyMap<string, Levels>): Levels | undefined {
  const { shape } = valueOf(graph, node.outputs[0]);
  const { fn, activation } = node.attributes;
  const operands = node.inputs.map((name) => operandLevels(graph, name, shape, known));
  if (shape.length < 2) return undefined;
  return Float64Array.from({ length: shape[1] }, (_, c) => {
    const [a, b] = operands.map((levels) => levels?.[levels.length === 1 ? 0 : c] ?? NaN);
    if (fn === 'mul' && (a === 0 || b === 0)) return 0; // whatever the other is, while it is finite
    return Math.fround(applyActivation(functions[fn](a, b), activation));
  });
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
