// From TFLite's tensors, which are NHWC, to the graph's values, which are NCHW.
//
// A tensor of rank 4 is one value in NCHW, any other tensor a value in its own order. An operator whose meaning hangs
// on NHWC order (RESHAPE, …) works on the transposed value between explicit `transpose` nodes, which a later pass
// cancels in pairs.
import { FiligreeError } from '../../errors.ts';
import { emptyGraph } from '../../graph/graph.ts';
import type { Graph, Node, Shape, Value } from '../../graph/graph.ts';
import { permuteShape } from '../../graph/permute.ts';
import { operators } from '../../ops/index.ts';
import type { OperatorName } from '../../ops/index.ts';
import type { Operator } from '../../ops/operator.ts';
import { Constants, tensorTitle } from './constants.ts';
import type { Integers } from './integers.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './schema.ts';

/** Axis i of NCHW is axis channelsFirst[i] of NHWC. */
export const channelsFirst = [0, 3, 1, 2] as const;
/** Axis i of NHWC is axis channelsLast[i] of NCHW. */
export const channelsLast = [0, 2, 3, 1] as const;

/** A file's shape as the graph has it: NCHW where it has rank 4. */
export function graphShape(shape: Shape): number[] {
  return shape.length === 4 ? permuteShape(shape, channelsFirst) : [...shape];
}

interface DetectionEnd {
  operator: TfliteOperator;
  ends: readonly { tensor: TfliteTensor; value: string }[];
  named: (names: readonly string[]) => void;
}

/** The graph under construction, and which tensor of the file became which value. */
export class Translation {
  readonly model: TfliteModel;
  readonly graph: Graph;
  readonly constants: Constants;
  /** Value of each computed tensor; NCHW at rank 4. */
  private readonly valueOfTensor = new Map<number, string>();
  /** DENSIFY and DEQUANTIZE of a constant: the tensor that holds the values. */
  private readonly sources = new Map<number, TfliteTensor>();
  /** Integers that the file computes from shapes. */
  private readonly folded = new Map<number, Integers>();
  /** Constants in the graph, by tensor and form. */
  private readonly sharedValues = new Map<string, string>();
  /** The operator that decodes detections, and what it reads; see operators/detection.ts. */
  private detections: DetectionEnd | undefined;
  private readonly nodeNames = new Names();
  private readonly valueNames = new Names();

  constructor(model: TfliteModel) {
    this.model = model;
    this.graph = emptyGraph(model.file);
    this.constants = new Constants(model);
  }

  fail(message: string): never {
    throw new FiligreeError('invalid-model', `${this.model.file}: ${message}`);
  }

  /** Whether an operator, or the graph's input list, has made the tensor. */
  isMade(tensor: TfliteTensor): boolean {
    const { index } = tensor;
    if (this.detectionsOf(tensor)) return true;
    return this.valueOfTensor.has(index) || this.sources.has(index) || this.folded.has(index);
  }

  /** Ends the graph before `operator`: `ends` are outputs in place of its own. `named` is told their names. */
  endInDetections(operator: TfliteOperator, ends: DetectionEnd['ends'], named: DetectionEnd['named']): void {
    if (this.detections)
      this.fail(`operators ${this.detections.operator.index} and ${operator.index} end in detections`);
    this.detections = { operator, ends, named };
  }

  /** The end of the graph that the tensor, a result of it, stands for. */
  detectionsOf(tensor: TfliteTensor): DetectionEnd | undefined {
    return this.detections?.operator.outputs.includes(tensor.index) ? this.detections : undefined;
  }

  /** The tensor whose stored values this one has, when it is constant. */
  constantSource(tensor: TfliteTensor): TfliteTensor | undefined {
    if (this.valueOfTensor.has(tensor.index) || this.folded.has(tensor.index)) return undefined;
    return this.sources.get(tensor.index) ?? (this.constants.holds(tensor) ? tensor : emptyConstant(tensor));
  }

  setConstant(tensor: TfliteTensor, source: TfliteTensor): void {
    this.sources.set(tensor.index, source);
  }

  setIntegers(tensor: TfliteTensor, integers: Integers): void {
    this.folded.set(tensor.index, integers);
  }

  integersOf(tensor: TfliteTensor): Integers | undefined {
    return this.folded.get(tensor.index);
  }

  setValue(tensor: TfliteTensor, value: string): void {
    this.valueOfTensor.set(tensor.index, value);
  }

  /** The computed value of a tensor; undefined when it is constant or not made yet. */
  computed(tensor: TfliteTensor): string | undefined {
    return this.valueOfTensor.get(tensor.index);
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

  /** The value made earlier under that key, or a new one. */
  shared(key: string, make: () => string): string {
    const value = this.sharedValues.get(key) ?? make();
    this.sharedValues.set(key, value);
    return value;
  }

  /** Appends a node, its outputs' shapes by the operator's own rule. The caller names node and outputs in the end. */
  emit(origin: TfliteOperator, op: OperatorName, attributes: object, inputs: string[], title: string): Node {
    const operator = operators[op] as unknown as Operator;
    let shapes: Shape[];
    try {
      shapes = operator.infer(
        attributes,
        inputs.map((input) => (input === '' ? undefined : this.graph.values.get(input))),
      );
    } catch (error) {
      if (error instanceof FiligreeError) throw error;
      this.fail(`operator ${origin.index} (${origin.name}) "${title}": ${(error as Error).message}`);
    }
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
    for (const node of nodes.slice(firstNode)) {
      node.inputs = node.inputs.map((input) => (input === value ? unique : input));
      node.outputs = node.outputs.map((output) => (output === value ? unique : output));
    }
    return unique;
  }

  /** Throws when the graph's shape of a tensor is not what the file declares for it. */
  checkShape(tensor: TfliteTensor, shape: Shape, origin: TfliteOperator): void {
    if (tensor.shape.length === 0 || tensor.signature.length > 0 || tensor.shape.includes(-1)) return;
    const declared = graphShape(tensor.shape);
    if (declared.length === shape.length && declared.every((d, i) => d === shape[i])) return;
    const made = shape.length === 4 ? permuteShape(shape, channelsLast) : shape;
    this.fail(
      `operator ${origin.index} (${origin.name}) makes ${tensorTitle(tensor)} of shape [${made}], ` +
        `the file declares [${tensor.shape}]`,
    );
  }
}

/** A tensor of no elements needs no data: the shape operand of a reshape to a scalar. */
function emptyConstant(tensor: TfliteTensor): TfliteTensor | undefined {
  return tensor.shape.includes(0) ? tensor : undefined;
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
}
