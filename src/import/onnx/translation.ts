// From ONNX's tensors to the graph's values: both are NCHW, so nothing is permuted.
import { FiligreeError } from '../../errors.ts';
import { evaluateNode } from '../../graph/evaluate.ts';
import { emptyGraph } from '../../graph/graph.ts';
import type { Graph, Node, Shape, Value } from '../../graph/graph.ts';
import { maxElements } from '../../graph/verify.ts';
import { operators } from '../../ops/index.ts';
import type { OperatorName } from '../../ops/index.ts';
import type { DenseTensor, Operator } from '../../ops/operator.ts';
import { elementCount } from '../../tensor.ts';
import { asFloats, type Constant, mostAxes } from './constant.ts';
import type { ElementType, OnnxModel, OnnxNode } from './schema.ts';
import { type ExternalData, Tensors } from './tensors.ts';

/** integer = real / scale + zeroPoint. */
export interface Quantisation {
  scale: number;
  zeroPoint: number;
}

/** A value of the graph that stands for a tensor of the file. It is float32, and real, whatever the tensor is. */
export interface Computed {
  value: string;
  type: ElementType;
  quantisation?: Quantisation;
}

/** What is known of a tensor: its numbers, the value that is computed for it, or only that something here lacks it. */
export type Known = { constant: Constant } | { computed: Computed } | { missing: true };

/** Multiply-adds that folding one node may take. */
const mostFoldingWork = 2 ** 28;

/** The graph under construction, and what became of every tensor of the file. */
export class Translation {
  readonly model: OnnxModel;
  readonly opset: number;
  readonly graph: Graph;
  readonly tensors: Tensors;
  /** How many weights were stored as each quantised or half type. */
  readonly dequantised = new Map<ElementType, number>();
  hasQuantisedActivations = false;
  private readonly known = new Map<string, Known>();
  /** Values that hold constants. */
  private readonly constantValues = new Map<Constant, string>();
  private readonly nodeNames = new Names();
  private readonly valueNames = new Names();

  constructor(model: OnnxModel, opset: number, externalData: ExternalData | undefined) {
    this.model = model;
    this.opset = opset;
    this.graph = emptyGraph(model.file);
    this.tensors = new Tensors(model, externalData);
  }

  fail(message: string): never {
    throw new FiligreeError('invalid-model', `${this.model.file}: ${message}`);
  }

  /** A tensor by name; undefined when it is no initializer and nothing has made it yet. */
  find(name: string): Known | undefined {
    const known = this.known.get(name);
    if (known) return known;
    const stored = this.model.initializers.get(name);
    const sparse = this.model.sparseInitializers.get(name);
    if (!stored && !sparse) return undefined;
    const constant = stored ? this.tensors.constant(stored) : this.tensors.sparse(sparse!);
    return this.set(name, { constant });
  }

  set(name: string, known: Known): Known {
    this.known.set(name, known);
    return known;
  }

  shapeOf(value: string): Shape {
    return this.graph.values.get(value)!.shape;
  }

  /** Registers a value under `name`, or the first of `name#2`, `name#3`, … that is free. */
  addValue(name: string, value: Omit<Value, 'name'>): string {
    const unique = this.valueNames.take(name);
    this.graph.values.set(unique, { ...value, name: unique });
    return unique;
  }

  /** A constant as a float32 value of the graph. */
  constantValue(constant: Constant, name: string): string {
    const known = this.constantValues.get(constant);
    if (known !== undefined) return known;
    const { shape, type } = constant;
    if (type !== 'float32' && type !== 'float64') this.dequantised.set(type, (this.dequantised.get(type) ?? 0) + 1);
    const value = this.addValue(name, { shape: [...shape], dtype: 'float32', data: asFloats(constant) });
    this.constantValues.set(constant, value);
    return value;
  }

  /** Appends a node, its outputs' shapes by the operator's own rule. The caller names node and outputs in the end. */
  emit(op: OperatorName, attributes: object, inputs: string[], origin: OnnxNode): Node {
    const operator = operators[op] as unknown as Operator;
    let shapes: Shape[];
    try {
      shapes = operator.infer(
        attributes,
        inputs.map((input) => (input === '' ? undefined : this.graph.values.get(input))),
      );
      for (const shape of shapes) {
        const isPossible =
          shape.length <= mostAxes &&
          shape.every((d) => Number.isInteger(d) && d >= 1) &&
          elementCount(shape) <= maxElements;
        if (!isPossible) throw new Error(`makes a tensor of shape [${shape}]`);
      }
    } catch (error) {
      if (error instanceof FiligreeError) throw error;
      this.fail(`${nodeTitle(origin)}: ${(error as Error).message}`);
    }
    const title = origin.outputs[0] ?? origin.name;
    const outputs = shapes.map((shape) => this.addValue(`${title}/${op}`, { shape, dtype: 'float32' }));
    const node: Node = { name: '', op, inputs, outputs, attributes };
    this.graph.nodes.push(node);
    return node;
  }

  nameNode(node: Node, name: string): void {
    node.name = this.nodeNames.take(name);
  }

  /** Gives a value that a node of index ≥ `firstNode` has just made the name of its tensor. */
  renameValue(value: string, name: string, firstNode: number): string {
    const { values, nodes } = this.graph;
    const known = values.get(value)!;
    values.delete(value);
    const unique = this.addValue(name, known);
    for (let i = firstNode; i < nodes.length; i++) {
      nodes[i].inputs = nodes[i].inputs.map((input) => (input === value ? unique : input));
      nodes[i].outputs = nodes[i].outputs.map((output) => (output === value ? unique : output));
    }
    return unique;
  }

  /**
   * Works out the nodes from index `firstNode` on, if all they read is constant and it is not too much work, and takes
   * them out of the graph. Gives their results by value, or undefined when they stay.
   */
  foldNodes(firstNode: number): Map<string, DenseTensor> | undefined {
    const { graph } = this;
    const nodes = graph.nodes.slice(firstNode);
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const isKnown = (name: string) => name === '' || made.has(name) || graph.values.get(name)!.data !== undefined;
    if (nodes.length === 0 || !nodes.every(({ inputs }) => inputs.every(isKnown))) return undefined;
    const work = (node: Node) => {
      const counts = [...node.inputs, ...node.outputs].map((n) => (n === '' ? 1 : elementCount(this.shapeOf(n))));
      const isProduct = ['conv2d', 'convTranspose2d', 'linear', 'maxPool', 'averagePool'].includes(node.op);
      return isProduct ? counts.reduce((a, b) => a * b, 1) : counts.reduce((a, b) => a + b, 0);
    };
    if (nodes.reduce((sum, node) => sum + work(node), 0) > mostFoldingWork) return undefined;
    const results = new Map<string, DenseTensor>();
    for (const node of nodes) {
      for (const name of node.outputs) this.tensors.spend(8 * elementCount(this.shapeOf(name)), `"${name}"`);
      evaluateNode(graph, node, results).forEach((result, i) => results.set(node.outputs[i], result));
    }
    graph.nodes.length = firstNode;
    for (const name of made) {
      graph.values.delete(name);
      this.valueNames.release(name);
    }
    return results;
  }
}

/** `node "/model.22/Resize" (Resize)`, the form in which messages name one. */
export function nodeTitle({ name, op, domain, index, outputs }: OnnxNode): string {
  const title = name || outputs[0] || String(index);
  return `node ${JSON.stringify(title)} (${domain === '' ? op : `${domain}.${op}`})`;
}

/** Hands out each name once: `x`, then `x#2`, `x#3`, … */
export class Names {
  private readonly taken = new Set<string>();
  private readonly counts = new Map<string, number>();

  take(name: string): string {
    let count = this.counts.get(name) ?? 1;
    let unique = name;
    while (unique === '' || this.taken.has(unique)) unique = `${name}#${++count}`;
    this.counts.set(name, count);
    this.taken.add(unique);
    return unique;
  }

  /** Lets a name be taken again. */
  release(name: string): void {
    this.taken.delete(name);
  }
}
