// One node of the file while it is translated: what its handler can read and do.
import { maxAxes } from '../graph-writer.ts';
import { FiligreeError } from '../../errors.ts';
import type { Node, Shape } from '../../graph/graph.ts';
import { broadcastShape } from '../../ops/broadcast.ts';
import type { OperatorName } from '../../ops/index.ts';
import { type Quantisation, representable } from '../../quantisation.ts';
import { inexactReason, isExact } from '../positions.ts';
import { clampTo, exceeds } from '../quantised-range.ts';
import { type OnnxConstant, emptyNumbers, float32s, floatTypes, integerRanges, isNumeric } from './constant.ts';
import { type Attribute, elementTypes, type ElementType, type OnnxNode, type OnnxTensor } from './schema.ts';
import { type Computed, type Known, nodeTitle, type Translation } from './translation.ts';

/** Translates one node: emits nodes of the graph and sets its results. */
export type Handler = (operation: Operation) => void;

/** A valid node that Filigree does not support. The importer lists all of them in one error. */
export class Unsupported extends Error {}

const attributeTypes = ['', 'FLOAT', 'INT', 'STRING', 'TENSOR', 'GRAPH', 'FLOATS', 'INTS', 'STRINGS'];

export class Operation {
  readonly translation: Translation;
  readonly node: OnnxNode;
  private readonly firstNode: number;

  constructor(translation: Translation, node: OnnxNode) {
    this.translation = translation;
    this.node = node;
    this.firstNode = translation.graph.nodes.length;
  }

  /** Throws: the file contradicts itself. */
  fail(message: string): never {
    this.translation.fail(`${nodeTitle(this.node)}: ${message}`);
  }

  unsupported(reason: string): never {
    throw new Unsupported(reason);
  }

  /** Version of the standard operators. */
  get opset(): number {
    return this.translation.opset;
  }

  // Attributes

  int(name: string, absent?: number): number {
    const attribute = this.attribute(name, 2);
    return attribute ? (attribute.int ?? 0) : this.orAbsent(name, absent);
  }

  float(name: string, absent?: number): number {
    const attribute = this.attribute(name, 1);
    return attribute ? (attribute.float ?? 0) : this.orAbsent(name, absent);
  }

  string(name: string, absent: string): string {
    const attribute = this.attribute(name, 3);
    return attribute ? (attribute.string ?? '') : absent;
  }

  ints(name: string): number[] | undefined {
    return this.attribute(name, 7)?.ints;
  }

  floats(name: string): number[] | undefined {
    return this.attribute(name, 6)?.floats;
  }

  tensor(name: string): OnnxTensor | undefined {
    return this.attribute(name, 4)?.tensor;
  }

  hasAttribute(name: string): boolean {
    return this.node.attributes.has(name);
  }

  private attribute(name: string, type: number): Attribute | undefined {
    const attribute = this.node.attributes.get(name);
    if (attribute && attribute.type !== type && attribute.type !== 0) {
      const found = attributeTypes[attribute.type] ?? `type ${attribute.type}`;
      this.fail(`attribute "${name}" is ${found}, must be ${attributeTypes[type]}`);
    }
    return attribute;
  }

  private orAbsent(name: string, absent: number | undefined): number {
    return absent ?? this.fail(`attribute "${name}" is missing`);
  }

  // Inputs

  get inputCount(): number {
    return this.node.inputs.length;
  }

  /** Whether the input is given. */
  has(i: number): boolean {
    return (this.node.inputs[i] ?? '') !== '';
  }

  /** What is known of an input. */
  private known(i: number): Exclude<Known, { missing: true }> {
    if (!this.has(i)) this.fail(`input ${i} is missing`);
    const known = this.translation.find(this.node.inputs[i])!;
    return 'missing' in known ? this.unsupported(`input ${i} could not be translated`) : known;
  }

  /** An input's numbers; undefined when it is computed or absent. */
  knownConstant(i: number): OnnxConstant | undefined {
    if (!this.has(i)) return undefined;
    const known = this.known(i);
    return 'constant' in known ? known.constant : undefined;
  }

  constant(i: number, what: string): OnnxConstant {
    this.known(i);
    return this.knownConstant(i) ?? this.unsupported(`${what} must be constant`);
  }

  /** A constant input's numbers, as integers. */
  integers(i: number, what: string): number[] {
    const { data, type } = this.constant(i, what);
    if (floatTypes.includes(type)) this.fail(`${what} must be integers, got ${type}`);
    return Array.from(data);
  }

  /** The only number of a constant input. */
  number(i: number, what: string): number {
    const { data, shape } = this.constant(i, what);
    if (data.length !== 1) this.fail(`${what} must be one number, got shape [${shape}]`);
    return data[0];
  }

  shape(i: number): Shape {
    const known = this.known(i);
    return 'constant' in known ? known.constant.shape : this.translation.shapeOf(known.computed.value);
  }

  rank(i: number): number {
    return this.shape(i).length;
  }

  type(i: number): ElementType {
    const known = this.known(i);
    return 'constant' in known ? known.constant.type : known.computed.type;
  }

  quantisation(i: number): Quantisation | undefined {
    const known = this.known(i);
    return 'computed' in known ? known.computed.quantisation : undefined;
  }

  /** A float input as a value of the graph. */
  value(i: number): string {
    const type = this.type(i);
    if (!floatTypes.includes(type)) this.unsupported(`computes in ${type}`);
    return this.anyValue(i);
  }

  /** Whether an input is a sum of quantised numbers, in int32, which stands for itself and need not be an integer here. */
  isSum(i: number): boolean {
    return this.type(i) === 'int32' && this.quantisation(i)?.scale === 1;
  }

  /** An input to compute with: floats, or integers and booleans that float32 holds exactly. */
  numbers(i: number): string {
    const type = this.type(i);
    if (this.quantisation(i)) this.unsupported(`computes in quantised ${type}`);
    return this.exact(this.anyValue(i), type);
  }

  /** The value, known to be exact in float32 where it stands for integers: none is 2²⁴ or beyond. */
  exact(value: string, type: ElementType): string {
    if (floatTypes.includes(type)) return value;
    return isExact(this.translation.ranges.of(value)) ? value : this.unsupported(inexactReason(type));
  }

  /** An input of any type as a value of the graph, where a quantised tensor is real. */
  anyValue(i: number): string {
    const known = this.known(i);
    if ('computed' in known) return known.computed.value;
    return this.place(known.constant, this.node.inputs[i]);
  }

  /** A constant as a value of the graph. */
  place(constant: OnnxConstant, name: string): string {
    if (constant.data.length === 0) this.unsupported(`a tensor of shape [${constant.shape}], without elements`);
    return this.translation.constantValue(constant, name || `${this.title}/constant`);
  }

  /** A new float32 constant as a value of the graph. */
  addConstant(shape: Shape, data: Float32Array | readonly number[], name = `${this.title}/constant`): string {
    return this.place(float32s(shape, data instanceof Float32Array ? data : Float32Array.from(data)), name);
  }

  /** The axis as a non-negative number, for a tensor of `rank`. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (!(positive >= 0 && positive < rank)) this.fail(`axis ${axis} of a tensor of rank ${rank}`);
    return positive;
  }

  /** Distinct non-negative axes, ascending. */
  axes(axes: readonly number[], rank: number): number[] {
    if (rank > maxAxes) this.fail(`a tensor of rank ${rank}`);
    return [...new Set(axes.map((axis) => this.axis(axis, rank)))].sort((a, b) => a - b);
  }

  /** The shape that two shapes broadcast to. */
  broadcast(a: Shape, b: Shape): number[] {
    try {
      return broadcastShape(a, b);
    } catch (error) {
      return this.fail((error as Error).message);
    }
  }

  /** Throws when anything reads an output beyond the first `count`. */
  requireOutputs(count: number): void {
    const extra = this.node.outputs.slice(count).find((name) => name !== '');
    if (extra !== undefined) this.unsupported(`output ${this.node.outputs.indexOf(extra)} is read`);
  }

  /** The type that Cast makes. */
  castType(): ElementType {
    const code = this.int('to');
    return elementTypes[code] ?? this.fail(`casts to the unknown type ${code}`);
  }

  /** Axes of a Reduce operator: an attribute in older files, an input in newer ones. Empty means all. */
  reduction(): { axes: number[]; keepDims: boolean } {
    const rank = this.rank(0);
    const given = this.has(1) ? this.integers(1, 'the axes') : (this.ints('axes') ?? []);
    const isNone = given.length === 0 && this.int('noop_with_empty_axes', 0) === 1;
    const all = Array.from({ length: rank }, (_, axis) => axis);
    const axes = given.length > 0 ? this.axes(given, rank) : isNone ? [] : all;
    return { axes, keepDims: this.int('keepdims', 1) === 1 };
  }

  // Results

  /** Name of the first output. */
  get title(): string {
    return this.node.outputs[0] ?? this.node.name;
  }

  /** Appends a node with one output; returns the output. */
  emit(op: OperatorName, attributes: object, inputs: string[]): string {
    return this.emitAll(op, attributes, inputs)[0];
  }

  emitAll(op: OperatorName, attributes: object, inputs: string[]): string[] {
    return this.translation.emit(op, attributes, inputs, this.node).outputs;
  }

  shapeOf(value: string): Shape {
    return this.translation.shapeOf(value);
  }

  /** The value reshaped; the value itself when it has that shape already. */
  reshape(value: string, shape: Shape): string {
    const own = this.shapeOf(value);
    const isSame = own.length === shape.length && own.every((d, i) => d === shape[i]);
    return isSame ? value : this.emit('reshape', { shape }, [value]);
  }

  /** Makes a value the node's k-th output. */
  result(value: string, k = 0, type: ElementType = 'float32', quantisation?: Quantisation): void {
    const name = this.outputName(k);
    if (name === '') return;
    const { translation } = this;
    const { data, shape } = translation.graph.values.get(value)!;
    if (data) {
      translation.set(name, { constant: constantOf(type, shape, data as Float32Array) });
      return;
    }
    const own = this.nodes().some((node) => node.outputs.includes(value));
    const renamed = own ? translation.renameValue(value, name, this.firstNode) : value;
    translation.set(name, { computed: { value: renamed, type, quantisation } });
  }

  /** Makes a value the k-th output where it holds elements of the first input, and so stands for the same kind of numbers. */
  movedResult(value: string, k = 0): void {
    this.result(value, k, this.type(0), this.quantisation(0));
  }

  /** Makes a value to compute on with the k-th output. */
  exactResult(value: string, type: ElementType, k = 0): void {
    this.result(this.exact(value, type), k, type);
  }

  /** Passes an input on as the output. */
  pass(i = 0): void {
    this.translation.set(this.outputName(0), this.known(i));
  }

  /** Makes a value the node's output, clamped to the range of a quantised type if it can lie outside. */
  quantisedResult(value: string, type: ElementType, quantisation: Quantisation, k = 0): void {
    this.translation.hasQuantisedActivations = true;
    const [low, high] = integerRanges[type] ?? this.unsupported(`quantises to ${type}`);
    const limits = representable([low, high], quantisation);
    const isInside = !exceeds(this.translation.ranges.of(value), limits, quantisation.scale);
    this.result(isInside ? value : this.emit('unary', clampTo(limits), [value]), k, type, quantisation);
    const made = this.translation.find(this.outputName(k));
    if (made && 'computed' in made) {
      this.translation.setFileBytes(made.computed.value, type, quantisation.scale, quantisation.zeroPoint);
    }
  }

  constantResult(constant: OnnxConstant, k = 0): void {
    this.translation.set(this.outputName(k), { constant });
  }

  /** Reserves memory for a constant of `count` numbers that is about to be made. */
  spend(count: number): void {
    if (!(count >= 0)) this.fail(`makes a constant of ${count} elements`);
    this.translation.tensors.spend(8 * count, nodeTitle(this.node));
  }

  /** Names the nodes, folds them when all is constant, and checks that every output has been made. */
  finish(): void {
    const { translation, node } = this;
    this.fold();
    const nodes = this.nodes();
    const title = node.name || this.title;
    for (const made of nodes) translation.nameNode(made, nodes.length === 1 ? title : `${title}/${made.op}`);
    node.outputs.forEach((name, k) => {
      if (name !== '' && !translation.find(name)) this.fail(`output ${k} is one more than the operator makes`);
    });
  }

  private fold(): void {
    const { translation } = this;
    const results = translation.foldNodes(this.firstNode);
    if (!results) return;
    for (const name of this.node.outputs) {
      const known = translation.find(name);
      const computed: Computed | undefined = known && 'computed' in known ? known.computed : undefined;
      const result = computed && results.get(computed.value);
      if (result) translation.set(name, { constant: constantOf(computed!.type, result.shape, result.data) });
    }
  }

  private outputName(k: number): string {
    return this.node.outputs[k] ?? this.fail(`output ${k} is missing`);
  }

  private nodes(): Node[] {
    return this.translation.graph.nodes.slice(this.firstNode);
  }
}

/** Float32 numbers as a constant of that type. */
function constantOf(type: ElementType, shape: Shape, data: Float32Array): OnnxConstant {
  if (floatTypes.includes(type) || !isNumeric(type)) return float32s(shape, data);
  const numbers = emptyNumbers(type, data.length);
  numbers.set(data);
  return { type, shape, data: numbers };
}

export function isUnsupported(error: unknown): error is Error {
  return error instanceof Unsupported || (error instanceof FiligreeError && error.code === 'unsupported');
}
