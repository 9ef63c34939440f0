// Maps ONNX tensors to the graph's values. Both are NCHW, so nothing is permuted.
import { evaluateNode } from '../../graph/evaluate.ts';
import type { Node } from '../../graph/graph.ts';
import type { OperatorName } from '../../ops/index.ts';
import type { Quantisation } from '../../quantisation.ts';
import type { DenseTensor } from '../../ops/operator.ts';
import { evaluationWork } from '../../graph/folding-budget.ts';
import { elementCount } from '../../tensor.ts';
import { GraphWriter } from '../graph-writer.ts';
import { asFloats, type OnnxConstant } from './constant.ts';
import type { ElementType, OnnxModel, OnnxNode } from './schema.ts';
import { type ExternalData, Tensors } from './tensors.ts';

/** A value of the graph that stands for a tensor of the file. It is float32 and real, whatever the tensor's type. */
export interface Computed {
  value: string;
  type: ElementType;
  quantisation?: Quantisation;
}

/** What is known of a tensor: its numbers, the value computed for it, or that it comes from an unsupported node. */
export type Known = { constant: OnnxConstant } | { computed: Computed } | { missing: true };

/** Maximum multiply-adds of constant folding, for all nodes together. */
const maxFoldingWork = 2 ** 28;

/** The graph under construction, and what is known of every tensor of the file. */
export class Translation extends GraphWriter {
  readonly model: OnnxModel;
  readonly opset: number;
  readonly tensors: Tensors;
  /** Number of weights stored as each quantised or half type. */
  readonly dequantised = new Map<ElementType, number>();
  hasQuantisedActivations = false;
  private foldingWork = maxFoldingWork;
  private readonly known = new Map<string, Known>();
  /** Values that hold constants. */
  private readonly constantValues = new Map<OnnxConstant, string>();

  constructor(model: OnnxModel, opset: number, externalData: ExternalData | undefined) {
    super(model.file);
    this.model = model;
    this.opset = opset;
    this.tensors = new Tensors(model, externalData);
  }

  /** A tensor by name; undefined when it is not an initializer and nothing has made it yet. */
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

  /** A constant as a float32 value of the graph. */
  constantValue(constant: OnnxConstant, name: string): string {
    const known = this.constantValues.get(constant);
    if (known !== undefined) return known;
    const { shape, type } = constant;
    if (type !== 'float32' && type !== 'float64') this.dequantised.set(type, (this.dequantised.get(type) ?? 0) + 1);
    const value = this.addValue(name, { shape: [...shape], dtype: 'float32', data: asFloats(constant) });
    this.constantValues.set(constant, value);
    return value;
  }

  /** Appends a node that an ONNX node makes; see GraphWriter. */
  emit(op: OperatorName, attributes: object, inputs: string[], origin: OnnxNode): Node {
    return this.append(op, attributes, inputs, origin.outputs[0] ?? origin.name, nodeTitle(origin));
  }

  /**
   * Evaluates the nodes from index `firstNode` on and removes them from the graph, if they read only constants and the
   * work is not too much. Gives their results by value, or undefined when they stay.
   */
  foldNodes(firstNode: number): Map<string, DenseTensor> | undefined {
    const { graph } = this;
    const nodes = graph.nodes.slice(firstNode);
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const isKnown = (name: string) => name === '' || made.has(name) || graph.values.get(name)!.data !== undefined;
    if (nodes.length === 0 || !nodes.every(({ inputs }) => inputs.every(isKnown))) return undefined;
    const work = nodes.reduce((sum, node) => sum + evaluationWork(graph, node), 0);
    if (!(work <= this.foldingWork)) return undefined;
    this.foldingWork -= work;
    const results = new Map<string, DenseTensor>();
    for (const node of nodes) {
      for (const name of node.outputs) this.tensors.spend(8 * elementCount(this.shapeOf(name)), `"${name}"`);
      evaluateNode(graph, node, results).forEach((result, i) => results.set(node.outputs[i], result));
    }
    graph.nodes.length = firstNode;
    for (const name of made) {
      graph.values.delete(name);
      this.valueNames.release(name);
      this.ranges.forget(name);
    }
    return results;
  }
}

/** `node "/model.22/Resize" (Resize)`, the name of a node in messages. */
export function nodeTitle(node: OnnxNode): string {
  return `node ${nodeName(node)} (${operatorTitle(node)})`;
}

/** A node's name in quotes; of one that has none, that of its first output. */
export function nodeName({ name, index, outputs }: OnnxNode): string {
  return JSON.stringify(name || outputs[0] || String(index));
}

/** `Resize`, with its domain unless that is the standard one. */
export function operatorTitle({ op, domain }: OnnxNode): string {
  return domain === '' ? op : `${domain}.${op}`;
}
