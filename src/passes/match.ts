// What passes use to recognise patterns and to rewrite them.
import { addConstant, constantOf, consumers, isGraphOutput, producers } from '../graph/edit.ts';
import { type Graph, type Node, type Shape, valueOf } from '../graph/graph.ts';
import type { operators, OperatorName } from '../ops/index.ts';
import type { Operator } from '../ops/operator.ts';
import type { Activation } from '../program/activations.ts';

/** Rewrites a graph in place. Returns whether it changed anything; graph outputs keep their names and numbers. */
export type Pass = (graph: Graph) => boolean;

type AttributesOf<N extends OperatorName> = (typeof operators)[N] extends Operator<infer A> ? A : never;

/** A node of a known operator. */
export type NodeOf<N extends OperatorName> = { [K in N]: Node & { op: K; attributes: AttributesOf<K> } }[N];

export function isOp<N extends OperatorName>(node: Node | undefined, ...ops: N[]): node is NodeOf<N> {
  return node !== undefined && (ops as string[]).includes(node.op);
}

/** Who makes and who reads each value, as of when it was made: make another after an edit. */
export class Edges {
  readonly graph: Graph;
  readonly #makers: Map<string, Node>;
  readonly #readers: Map<string, Node[]>;

  constructor(graph: Graph) {
    this.graph = graph;
    this.#makers = producers(graph);
    this.#readers = consumers(graph);
  }

  /** The node that makes a value; undefined for inputs and constants. */
  maker(value: string): Node | undefined {
    return this.#makers.get(value);
  }

  readers(value: string): readonly Node[] {
    return this.#readers.get(value) ?? [];
  }

  /** The value's only reader; undefined when there are more or none, or the value is a graph output as well. */
  soleReader(value: string): Node | undefined {
    const readers = this.readers(value);
    return readers.length === 1 && !isGraphOutput(this.graph, value) ? readers[0] : undefined;
  }
}

/** Offers every node to a rule once, in order. A rule that edits the graph says so, and may remove nodes. */
export function rewriteEach(graph: Graph, rule: (node: Node, edges: Edges) => boolean): boolean {
  let changed = false;
  let edges = new Edges(graph);
  let alive = new Set(graph.nodes);
  for (const node of graph.nodes.slice()) {
    if (!alive.has(node) || !rule(node, edges)) continue;
    changed = true;
    edges = new Edges(graph);
    alive = new Set(graph.nodes);
  }
  return changed;
}

/** Removes `next`, whose input is the only output of `node`: `node` makes the output of `next` itself. */
export function absorb(graph: Graph, node: Node, next: Node): void {
  graph.nodes.splice(graph.nodes.indexOf(next), 1);
  graph.values.delete(node.outputs[0]);
  node.outputs = [...next.outputs];
}

/** Makes a node another operation with the same outputs. */
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

/** Whether there is a fused activation that does something. */
export function isActive(activation: Activation | undefined): activation is Activation {
  return activation !== undefined && activation.fn !== 'identity';
}

/** The number that all elements of a constant are; undefined when they differ or the value is computed. */
export function scalarOf(graph: Graph, value: string): number | undefined {
  const data = constantOf(graph, value)?.data;
  return data?.every((v) => v === data[0]) ? data[0] : undefined;
}

/** A binary node's constant and its other operand, when just one operand is constant. */
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
