// Functions by which passes recognise and rewrite patterns.
import { addConstant, constantOf, isGraphOutput } from '../graph/edit.ts';
import { type Graph, type Node, type Shape, valueOf } from '../graph/graph.ts';
import type { OperatorName } from '../ops/index.ts';
import type { AttributesOf, NodeOf } from '../ops/nodes.ts';
import type { Activation } from '../program/activations.ts';

/** Rewrites a graph in place. Returns whether it changed anything; graph outputs keep their names and numbers. */
export type Pass = (graph: Graph) => boolean;

/** A node with its edges at the last refresh. */
interface KnownEdges {
  readonly node: Node;
  inputs: string[];
  outputs: string[];
}

const knownOf = (node: Node): KnownEdges => ({ node, inputs: node.inputs.slice(), outputs: node.outputs.slice() });

const areSame = (a: string[], b: string[]) => a.length === b.length && a.every((name, i) => name === b[i]);

/** The maker and readers of each value at the last refresh. */
export class Edges {
  readonly graph: Graph;
  readonly #nodes = new Set<Node>();
  readonly #makers = new Map<string, Node>();
  readonly #readers = new Map<string, Set<Node>>();
  #known: KnownEdges[] = [];

  constructor(graph: Graph) {
    this.graph = graph;
    this.refresh();
  }

  /** Updates the edges after edits. It visits each node; other work is in proportion to the edits. */
  refresh(): void {
    const { nodes } = this.graph;
    const known = this.#known;
    const isSame = (i: number, j: number) => known[i].node === nodes[j];
    const shorter = Math.min(known.length, nodes.length);
    let head = 0;
    while (head < shorter && isSame(head, head)) head++;
    let tail = 0;
    while (tail < shorter - head && isSame(known.length - 1 - tail, nodes.length - 1 - tail)) tail++;
    const gone = known.slice(head, known.length - tail);
    const come = nodes.slice(head, nodes.length - tail).map(knownOf);
    const isEdited = ({ node, inputs, outputs }: KnownEdges) =>
      !areSame(inputs, node.inputs) || !areSame(outputs, node.outputs);
    const edited = known.filter((one, i) => (i < head || i >= known.length - tail) && isEdited(one));
    for (const one of [...gone, ...edited]) this.#forget(one);
    for (const one of edited) Object.assign(one, knownOf(one.node));
    this.#known = [...known.slice(0, head), ...come, ...known.slice(known.length - tail)];
    for (const one of [...come, ...edited]) this.#learn(one);
  }

  #forget({ node, inputs, outputs }: KnownEdges): void {
    this.#nodes.delete(node);
    for (const output of outputs) if (this.#makers.get(output) === node) this.#makers.delete(output);
    for (const input of inputs) this.#readers.get(input)?.delete(node);
  }

  #learn({ node, inputs, outputs }: KnownEdges): void {
    this.#nodes.add(node);
    for (const output of outputs) this.#makers.set(output, node);
    for (const input of inputs) {
      const readers = this.#readers.get(input);
      if (readers) readers.add(node);
      else if (input !== '') this.#readers.set(input, new Set([node]));
    }
  }

  /** Whether a node is in the graph. */
  has(node: Node): boolean {
    return this.#nodes.has(node);
  }

  /** The node that makes a value; undefined for inputs and constants. */
  maker(value: string): Node | undefined {
    return this.#makers.get(value);
  }

  readers(value: string): readonly Node[] {
    return [...(this.#readers.get(value) ?? [])];
  }

  /** The value's only reader; undefined when there are more or none, or the value is a graph output as well. */
  soleReader(value: string): Node | undefined {
    const readers = this.#readers.get(value);
    return readers?.size === 1 && !isGraphOutput(this.graph, value) ? [...readers][0] : undefined;
  }
}

/** Offers every node to a rule once, in order. A rule returns whether it edited the graph; it may remove nodes. */
export function rewriteEach(graph: Graph, rule: (node: Node, edges: Edges) => boolean): boolean {
  let changed = false;
  const edges = new Edges(graph);
  for (const node of graph.nodes.slice()) {
    if (!edges.has(node) || !rule(node, edges)) continue;
    changed = true;
    edges.refresh();
  }
  return changed;
}

/** Whether a node reads or makes a value in bytes. */
export function isByteNode(graph: Graph, { inputs, outputs }: Node): boolean {
  return [...inputs, ...outputs].some((value) => value !== '' && valueOf(graph, value).bytes !== undefined);
}

/** Removes `next`, whose input is the only output of `node`; `node` then makes the output of `next`. */
export function absorb(graph: Graph, node: Node, next: Node): void {
  graph.nodes.splice(graph.nodes.indexOf(next), 1);
  graph.values.delete(node.outputs[0]);
  node.outputs = [...next.outputs];
}

/** Turns a node into another operation with the same outputs. */
export function become<N extends OperatorName>(
  node: Node,
  op: N,
  attributes: AttributesOf<N>,
  inputs: readonly string[],
): true {
  node.op = op;
  node.attributes = attributes;
  node.inputs = [...inputs];
  return true;
}

export function shapeOf(graph: Graph, value: string): Shape {
  return valueOf(graph, value).shape;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Whether there is a fused activation other than identity. */
export function isActive(activation: Activation | undefined): activation is Activation {
  return activation !== undefined && activation.fn !== 'identity';
}

/** The number that all elements of a constant equal; undefined when they differ or the value is computed. */
export function scalarOf(graph: Graph, value: string): number | undefined {
  const data = constantOf(graph, value)?.data;
  return data?.every((v) => v === data[0]) ? data[0] : undefined;
}

/** A binary node's constant and its other operand, when exactly one operand is constant. */
export function constantOperand(
  graph: Graph,
  node: NodeOf<'binary'>,
): { x: string; constant: string; constantIsFirst: boolean } | undefined {
  const [a, b] = node.inputs;
  const first = valueOf(graph, a).data !== undefined;
  const second = valueOf(graph, b).data !== undefined;
  if (first === second) return undefined;
  return first ? { x: b, constant: a, constantIsFirst: true } : { x: a, constant: b, constantIsFirst: false };
}

/** Adds a constant of f64 numbers, named after another value. */
export function addRounded(graph: Graph, like: string, shape: Shape, data: Float64Array): string {
  return addConstant(graph, like, shape, Float32Array.from(data));
}
