// Makes a graph in which every axis holds chosen channels in a chosen order, for removal and rearrangement.
import { addConstant, consumers, isGraphOutput } from '../../graph/edit.ts';
import { asFloat32 } from '../../graph/constant.ts';
import { type Graph, type Node, nodeError, type Shape, valueOf } from '../../graph/graph.ts';
import { inferOutputs } from '../../graph/infer.ts';
import { verify } from '../../graph/verify.ts';
import { answer, type NodeOf, type OperatorTable } from '../../ops/nodes.ts';
import { cloneGraph } from '../../graph/clone.ts';
import { positionsIn } from './indices.ts';

/** For each axis of a value, the old position of each new one; `undefined` for an unchanged axis. */
export type AxisOrders = readonly (Int32Array | undefined)[];

/**
 * A copy of the graph whose values hold, along each axis, the old positions that `orders` lists. Orders are by the name of a
 * computed value; values that are not listed stay. The original shares constants with the copy and is not changed.
 * @throws FiligreeError `invalid-model` naming a node that cannot work on the new order of its inputs
 */
export function takeChannels(graph: Graph, orders: ReadonlyMap<string, AxisOrders>): Graph {
  const taken = cloneGraph(graph);
  const replaced = new Set<string>();
  const taking = new Taking(graph, taken, orders);
  for (const node of taken.nodes) {
    const old = [...node.inputs];
    answer(takes, node, taking);
    old.forEach((name, i) => name !== node.inputs[i] && replaced.add(name));
    inferOutputs(taken, node);
    for (const name of node.outputs) {
      const wanted = valueOf(graph, name).shape.map((size, axis) => orders.get(name)?.[axis]?.length ?? size);
      const found = valueOf(taken, name).shape;
      if (found.some((size, axis) => size !== wanted[axis])) {
        throw nodeError(taken, node, `makes [${found}] where [${wanted}] was wanted`);
      }
    }
  }
  const readers = consumers(taken);
  for (const name of replaced) if (!readers.has(name) && !isGraphOutput(taken, name)) taken.values.delete(name);
  verify(taken);
  return taken;
}

/** The original graph, the copy up to the current node, and the orders of its values. */
class Taking {
  readonly graph: Graph;
  readonly taken: Graph;
  readonly #orders: ReadonlyMap<string, AxisOrders>;

  constructor(graph: Graph, taken: Graph, orders: ReadonlyMap<string, AxisOrders>) {
    this.graph = graph;
    this.taken = taken;
    this.#orders = orders;
  }

  /** The old position of each new one along an axis; undefined for an unchanged axis. */
  order(value: string, axis: number): Int32Array | undefined {
    return this.#orders.get(value)?.[axis];
  }
}

/** Rewrites a node's constants and attributes for inputs in the new order. */
const takes: OperatorTable<[taking: Taking], void> = {
  conv2d(node, taking) {
    const columns = taking.order(node.inputs[0], 1);
    const rows = taking.order(node.outputs[0], 1);
    if (columns || rows) takeConvolution(taking, node, columns, rows);
  },
  linear(node, taking) {
    const axis = valueOf(taking.graph, node.inputs[0]).shape.length - 1;
    const columns = taking.order(node.inputs[0], axis);
    const rows = taking.order(node.outputs[0], axis);
    takeConstant(taking, node, 1, [rows, columns]);
    takeConstant(taking, node, 2, [rows]);
  },
  binary(node, taking) {
    const [y] = node.outputs;
    const { shape } = valueOf(taking.graph, y);
    node.inputs.forEach((name, i) => {
      const operand = valueOf(taking.graph, name);
      if (!operand.data) return;
      const missing = shape.length - operand.shape.length;
      const orders = operand.shape.map((size, axis) => (size === 1 ? undefined : taking.order(y, axis + missing)));
      takeConstant(taking, node, i, orders);
    });
  },
  split(node, taking) {
    const { axis, sizes } = node.attributes;
    node.attributes = { axis, sizes: sizes.map((size, i) => taking.order(node.outputs[i], axis)?.length ?? size) };
  },
  slice(node, taking) {
    const { starts, sizes, steps } = node.attributes;
    const before = (start: number, axis: number) =>
      taking.order(node.inputs[0], axis)?.filter((position) => position < start).length;
    node.attributes = {
      starts: starts.map((start, axis) => before(start, axis) ?? start),
      sizes: sizes.map((size, axis) => taking.order(node.outputs[0], axis)?.length ?? size),
      steps,
    };
  },
  gather(node, taking) {
    const { axis } = node.attributes;
    takeIndices(taking, node, taking.order(node.inputs[0], axis), taking.order(node.outputs[0], axis));
  },
  reshape(node, taking) {
    const { shape } = node.attributes;
    node.attributes = { shape: shape.map((size, axis) => taking.order(node.outputs[0], axis)?.length ?? size) };
  },
  // These treat all channels alike.
  unary: asItIs,
  maxPool: asItIs,
  averagePool: asItIs,
  reduce: asItIs,
  resize: asItIs,
  concat: asItIs,
  pad: asItIs,
  transpose: asItIs,
  depthToSpace: asItIs,
  spaceToDepth: asItIs,
  softmax: asItIs,
  matmul: asItIs,
  topK: asItIs,
  takeAlongAxis: asItIs,
  gridSample: asItIs,
  // Its channels are fixed.
  convTranspose2d: asItIs,
};

function asItIs(): void {}

function takeConvolution(
  taking: Taking,
  node: NodeOf<'conv2d'>,
  columns: Int32Array | undefined,
  rows: Int32Array | undefined,
): void {
  const { graph } = taking;
  const [, w] = node.inputs;
  const { groups } = node.attributes;
  const [outputs, perGroup] = valueOf(graph, w).shape;
  if (groups === 1) {
    takeConstant(taking, node, 1, [rows, columns]);
  } else if (perGroup === 1) {
    const multiplier = outputs / groups;
    const channels = columns ?? Int32Array.from({ length: groups }, (_, i) => i);
    rows?.forEach((row, i) => {
      if (Math.floor(row / multiplier) !== channels[Math.floor(i / multiplier)]) {
        throw nodeError(graph, node, `output channel ${row} does not go with its input channel`);
      }
    });
    takeConstant(taking, node, 1, [rows]);
    node.attributes = { ...node.attributes, groups: channels.length };
  } else {
    takeGrouped(taking, node, columns, rows);
  }
  if (node.inputs[2]) takeConstant(taking, node, 2, [rows]);
}

/** Every group keeps its place, and all lose equally many channels. */
function takeGrouped(
  { graph, taken }: Taking,
  node: NodeOf<'conv2d'>,
  columns: Int32Array | undefined,
  rows: Int32Array | undefined,
): void {
  const { groups } = node.attributes;
  const { shape, data, dtype } = valueOf(graph, node.inputs[1]);
  const [outputs, perGroup, kh, kw] = shape;
  const range = (length: number) => Int32Array.from({ length }, (_, i) => i);
  const from = { columns: columns ?? range(perGroup * groups), rows: rows ?? range(outputs) };
  const [width, height] = [from.columns.length / groups, from.rows.length / groups];
  const weights = asFloat32(dtype, data!);
  const taps = kh * kw;
  const result = new Float32Array(from.rows.length * width * taps);
  let at = 0;
  from.rows.forEach((row, i) => {
    const group = Math.floor(i / height);
    for (const column of from.columns.subarray(group * width, (group + 1) * width)) {
      const first = column - group * perGroup;
      if (first < 0 || first >= perGroup || Math.floor(row / (outputs / groups)) !== group) {
        throw nodeError(graph, node, `channel ${column} would leave its group`);
      }
      const source = (row * perGroup + first) * taps;
      result.set(weights.subarray(source, source + taps), at);
      at += taps;
    }
  });
  if (at !== result.length) throw nodeError(graph, node, 'its groups would have different sizes');
  node.inputs[1] = addConstant(taken, node.inputs[1], [from.rows.length, width, kh, kw], result);
}

/** Replaces a constant input by the chosen positions of its axes. */
function takeConstant({ graph, taken }: Taking, node: Node, input: number, orders: AxisOrders): void {
  const name = node.inputs[input];
  if (!name || !orders.some(Boolean)) return;
  const { shape, data, dtype } = valueOf(graph, name);
  if (!data) throw nodeError(graph, node, `"${name}" is computed`);
  const result = takeData(asFloat32(dtype, data), shape, orders);
  node.inputs[input] = addConstant(taken, name, result.shape, result.data);
}

function takeData(data: Float32Array, shape: Shape, orders: AxisOrders): { shape: number[]; data: Float32Array } {
  let result = { shape: [...shape], data };
  orders.forEach((order, axis) => {
    if (!order) return;
    const { shape: from, data: source } = result;
    const inner = from.slice(axis + 1).reduce((a, b) => a * b, 1);
    const outer = from.slice(0, axis).reduce((a, b) => a * b, 1);
    const next = new Float32Array(outer * order.length * inner);
    let at = 0;
    for (let o = 0; o < outer; o++) {
      for (const position of order) {
        const start = (o * from[axis] + position) * inner;
        if (inner === 1) next[at] = source[start];
        else next.set(source.subarray(start, start + inner), at);
        at += inner;
      }
    }
    result = { shape: from.map((size, i) => (i === axis ? order.length : size)), data: next };
  });
  return result;
}

/** Changes a gather's indices to the new positions of its elements. */
function takeIndices(
  { graph, taken }: Taking,
  node: NodeOf<'gather'>,
  from: Int32Array | undefined,
  to: Int32Array | undefined,
): void {
  if (!from && !to) return;
  const [x, name] = node.inputs;
  const { shape, dtype } = valueOf(graph, name);
  const size = valueOf(graph, x).shape[node.attributes.axis];
  const old = positionsIn(valueOf(graph, name), size);
  const places = new Map(Array.from(from ?? Array.from({ length: size }, (_, i) => i), (was, is) => [was, is]));
  const kept = to ? Array.from(to, (position) => old[position]) : old;
  const moved = kept.map((index) => {
    const place = places.get(index);
    if (place === undefined) throw nodeError(graph, node, `element ${index} is removed`);
    return place;
  });
  const list = dtype === 'int64' ? BigInt64Array.from(moved, BigInt) : Int32Array.from(moved);
  node.inputs[1] = addConstant(taken, name, to ? [moved.length] : shape, new Float32Array(0));
  Object.assign(valueOf(taken, node.inputs[1]), { dtype: dtype === 'int64' ? 'int64' : 'int32', data: list });
}
