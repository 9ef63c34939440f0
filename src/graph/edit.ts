// Reads and edits a graph's edges.
import { dependencyOrder } from './dependency-order.ts';
import { FiligreeError } from '../errors.ts';
import type { DenseTensor } from '../ops/operator.ts';
import { asFloat32 } from './constant.ts';
import { type Graph, type Node, type Shape, valueOf } from './graph.ts';
import { inferOutputs } from './infer.ts';

/** The node that makes each computed value. */
export function producers(graph: Graph): Map<string, Node> {
  const map = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) map.set(output, node);
  return map;
}

/** The nodes that read each value, in order, each once. Values that no node reads are absent. */
export function consumers(graph: Graph): Map<string, Node[]> {
  const map = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) {
      if (input === '') continue;
      const readers = map.get(input);
      if (readers) readers.push(node);
      else map.set(input, [node]);
    }
  }
  return map;
}

export function isGraphOutput(graph: Graph, value: string): boolean {
  return graph.outputs.some((port) => port.value === value);
}

/** A value name that is not taken: `base`, else `base_1`, `base_2`, … */
export function freshName(graph: Graph, base: string): string {
  if (!graph.values.has(base)) return base;
  for (let i = 1; ; i++) if (!graph.values.has(`${base}_${i}`)) return `${base}_${i}`;
}

/** Adds a float32 constant under `base` or, if that is taken, a name derived from it; returns the name. */
export function addConstant(graph: Graph, base: string, shape: Shape, data: Float32Array): string {
  const name = freshName(graph, base);
  graph.values.set(name, { name, shape, dtype: 'float32', data });
  return name;
}

/** Inserts a node before another one (by default at the end) and records the shapes of its outputs. */
export function addNode(graph: Graph, node: Node, before?: Node): Node {
  inferOutputs(graph, node);
  const at = before ? graph.nodes.indexOf(before) : -1;
  if (at < 0) graph.nodes.push(node);
  else graph.nodes.splice(at, 0, node);
  return node;
}

/** Removes a node and the values it makes. Nothing may still read them. */
export function removeNode(graph: Graph, node: Node): void {
  graph.nodes.splice(graph.nodes.indexOf(node), 1);
  for (const output of node.outputs) graph.values.delete(output);
}

/**
 * Makes every node that reads `from` read `to`, which holds the same numbers in the same shape. Graph outputs keep
 * their names: when `from` is one, `to` takes its name, and nothing makes a value named `to` any more.
 * The node that made `from` is removed when none of its outputs is needed.
 * @returns false, and changes nothing, when `from` is a graph output and `to` is an input, a constant or an output too.
 */
export function replaceUses(graph: Graph, from: string, to: string): boolean {
  const maker = graph.nodes.find((node) => node.outputs.includes(from));
  if (!isGraphOutput(graph, from)) {
    rewire(graph, from, to);
    if (maker?.outputs.length === 1) removeNode(graph, maker);
    return true;
  }
  const source = graph.nodes.find((node) => node.outputs.includes(to));
  if (!source || !maker || maker.outputs.length !== 1 || isGraphOutput(graph, to)) return false;
  graph.nodes.splice(graph.nodes.indexOf(maker), 1);
  source.outputs = source.outputs.map((name) => (name === to ? from : name));
  rewire(graph, to, from);
  graph.values.delete(to);
  return true;
}

function rewire(graph: Graph, from: string, to: string): void {
  for (const node of graph.nodes) {
    if (node.inputs.includes(from)) node.inputs = node.inputs.map((name) => (name === from ? to : name));
  }
}

/**
 * Puts nodes into execution order, changing as little of the given order as that allows.
 * @throws FiligreeError `invalid-model` naming the nodes of a cycle.
 */
export function topologicalSort(graph: Graph): void {
  const makers = producers(graph);
  graph.nodes = dependencyOrder(
    graph.nodes,
    ({ inputs }) => inputs.map((input) => makers.get(input)).filter((maker) => maker !== undefined),
    (nodes) => {
      const cycle = nodes.map(({ name }) => `"${name}"`);
      throw new FiligreeError(
        'invalid-model',
        `${graph.name}: nodes need each other's results: ${[...cycle, cycle[0]].join(' ← ')}`,
      );
    },
  );
}

/** A constant as float32, or undefined when the value is computed or absent. Not a copy: do not write to it. */
export function constantOf(graph: Graph, name: string): DenseTensor | undefined {
  if (name === '') return undefined;
  const { shape, dtype, data } = valueOf(graph, name);
  return data && { shape, data: asFloat32(dtype, data) };
}
