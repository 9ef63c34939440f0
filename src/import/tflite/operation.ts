// One operator of the file while it is translated: what its handler can read and do.
import { FiligreeError } from '../../errors.ts';
import type { Node, Shape } from '../../graph/graph.ts';
import { permuteData, permuteShape } from '../../graph/permute.ts';
import type { OperatorName } from '../../ops/index.ts';
import type { Activation } from '../../program/activations.ts';
import { integerRanges, isQuantisedType, representable } from '../../quantisation.ts';
import { inexactReason, isExact } from '../positions.ts';
import { clampTo, exceeds } from '../quantised-range.ts';
import { type OptionsName, optionTypes } from './builtin-operators.ts';
import { tensorTitle } from './constants.ts';
import { FlatTable } from './flatbuffer.ts';
import type { Integers } from './known-integers.ts';
import type { Quantization, TfliteOperator, TfliteTensor } from './schema.ts';
import { channelsFirst, channelsLast, type Translation } from './translation.ts';

/** Translates one operator: emits nodes and sets its results. */
export type Handler = (operation: Operation) => void;

const realTypes = ['float32', 'float16', 'bfloat16', 'float64'];

/** A valid operator that Filigree does not support. The importer lists all of them in one error. */
export class Unsupported extends Error {}

export class Operation {
  readonly translation: Translation;
  readonly operator: TfliteOperator;
  private readonly firstNode: number;

  constructor(translation: Translation, operator: TfliteOperator) {
    this.translation = translation;
    this.operator = operator;
    this.firstNode = translation.graph.nodes.length;
  }

  /** Throws: the file contradicts itself. */
  fail(message: string): never {
    const { index, name } = this.operator;
    this.translation.fail(`operator ${index} (${name}) "${this.title}": ${message}`);
  }

  unsupported(reason: string): never {
    throw new Unsupported(reason);
  }

  /** Name of the first output. */
  get title(): string {
    const [output] = this.operator.outputs;
    return output === undefined ? '' : this.translation.model.tensors[output].name;
  }

  get inputCount(): number {
    return this.operator.inputs.length;
  }

  /** The options table of that type; one with defaults when the file has none. */
  options(name: OptionsName): FlatTable {
    const { type, table } = this.operator.options;
    if (type === optionTypes[name]) return table;
    if (type !== 0) this.fail(`carries options of type ${type}, ${name}Options are ${optionTypes[name]}`);
    return new FlatTable(table.file, -1, table.path);
  }

  /** An input's tensor, or undefined when it is left out. */
  optional(i: number): TfliteTensor | undefined {
    const index = this.operator.inputs[i];
    return index === undefined || index === -1 ? undefined : this.translation.model.tensors[index];
  }

  tensor(i: number): TfliteTensor {
    return this.optional(i) ?? this.fail(`input ${i} is missing`);
  }

  output(k = 0): TfliteTensor {
    const index = this.operator.outputs[k];
    return index === undefined ? this.fail(`output ${k} is missing`) : this.translation.model.tensors[index];
  }

  /** An input's shape in the file's order. */
  shape(i: number): Shape {
    const tensor = this.tensor(i);
    const value = this.translation.computed(tensor);
    if (value === undefined) return this.translation.integersOf(tensor)?.shape ?? tensor.shape;
    const shape = this.translation.shapeOf(value);
    return shape.length === 4 ? permuteShape(shape, channelsLast) : shape;
  }

  rank(i: number): number {
    return this.shape(i).length;
  }

  /** Throws unless the input has that rank. */
  requireRank(i: number, rank: number): void {
    if (this.rank(i) !== rank) this.unsupported(`input ${i} of rank ${this.rank(i)}; rank ${rank} is supported`);
  }

  isConstant(i: number): boolean {
    return this.translation.constantSource(this.tensor(i)) !== undefined;
  }

  /** The tensor that stores a constant input. */
  source(i: number, what: string): TfliteTensor {
    return this.translation.constantSource(this.tensor(i)) ?? this.unsupported(`${what} must be constant`);
  }

  /** A constant input's integers. */
  integers(i: number, what: string): number[] {
    return this.knownIntegers(i)?.numbers ?? this.translation.constants.integers(this.source(i, what));
  }

  /** An input's integers, when the file stores them or computes them from shapes. */
  knownIntegers(i: number): Integers | undefined {
    const tensor = this.tensor(i);
    const folded = this.translation.integersOf(tensor);
    if (folded) return folded;
    const source = this.translation.constantSource(tensor);
    if (!source || !['int32', 'int64'].includes(source.type) || source.quantization) return undefined;
    return { shape: source.shape, numbers: this.translation.constants.integers(source) };
  }

  /** A constant as a value, permuted from the file's order. */
  constant(source: TfliteTensor, permutation?: readonly number[], shape = source.shape, scales?: Quantization): string {
    const { translation } = this;
    const permuted = permutation ? permuteShape(shape, permutation) : shape;
    const value = translation.shared(`${source.index} [${permuted}] ${permutation} ${scales?.scales}`, () => {
      const isInteger = !scales && this.isPlain(source);
      const data = isInteger
        ? Float32Array.from(translation.constants.integers(source))
        : translation.constants.floats(source, scales);
      return translation.addValue(source.name, {
        shape: [...permuted],
        dtype: 'float32',
        data: permutation ? permuteData(data, shape, permutation) : data,
        rowScales: isInteger ? undefined : rowScales(source, permutation ?? shape.map((_, axis) => axis)),
      });
    });
    if (!scales) this.requireExact(source, value);
    return value;
  }

  /** Known integers as a value, NCHW at rank 4. */
  private knownValue({ shape, numbers }: Integers, tensor: TfliteTensor): string {
    const data = Float32Array.from(numbers);
    const isImage = shape.length === 4;
    const value = this.translation.addValue(tensor.name, {
      shape: isImage ? permuteShape(shape, channelsFirst) : [...shape],
      dtype: 'float32',
      data: isImage ? permuteData(data, shape, channelsFirst) : data,
    });
    this.requireExact(tensor, value);
    return value;
  }

  /** A new constant as a value. */
  addConstant(shape: Shape, data: readonly number[]): string {
    return this.translation.addValue(`${this.title}/constant`, {
      shape: [...shape],
      dtype: 'float32',
      data: Float32Array.from(data),
    });
  }

  shapeOf(value: string): Shape {
    return this.translation.shapeOf(value);
  }

  /** Whether an input holds integers that are not quantised reals. */
  isInteger(i: number): boolean {
    return this.isPlain(this.tensor(i));
  }

  /** An input in the graph's order: NCHW at rank 4. */
  value(i: number): string {
    const tensor = this.tensor(i);
    const source = this.translation.constantSource(tensor);
    if (source) return this.constant(source, source.shape.length === 4 ? channelsFirst : undefined);
    const integers = this.translation.integersOf(tensor);
    if (integers) return this.knownValue(integers, tensor);
    const value = this.translation.computed(tensor)!;
    this.requireExact(tensor, value);
    return value;
  }

  /** An input in the file's order: transposed when the graph stores it as NCHW. */
  inFileOrder(i: number): string {
    const source = this.translation.constantSource(this.tensor(i));
    if (source) return this.constant(source);
    const value = this.value(i);
    return this.rank(i) === 4 ? this.emit('transpose', { permutation: channelsLast }, [value]) : value;
  }

  /** An input with axes of size 1 prepended, as in broadcasting; NCHW at rank 4. */
  atRank(i: number, rank: number): string {
    const shape = this.shape(i);
    if (shape.length === rank) return this.value(i);
    const expanded = [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
    const permutation = rank === 4 ? channelsFirst : undefined;
    const source = this.translation.constantSource(this.tensor(i));
    if (source) return this.constant(source, permutation, expanded);
    const reshaped = this.emit('reshape', { shape: expanded }, [this.inFileOrder(i)]);
    return permutation ? this.emit('transpose', { permutation }, [reshaped]) : reshaped;
  }

  /** Appends a node with one output; returns the output. */
  emit(op: OperatorName, attributes: object, inputs: string[]): string {
    return this.emitAll(op, attributes, inputs)[0];
  }

  emitAll(op: OperatorName, attributes: object, inputs: string[]): string[] {
    return this.translation.emit(this.operator, op, attributes, inputs, this.title).outputs;
  }

  /** The value, clamped to the range of the operator's k-th output when that is quantised and the value can exceed it. */
  saturated(value: string, k = 0): string {
    const { type, quantization } = this.output(k);
    // No value reaches the limits of 32 bits.
    if (type === 'int32' || !isQuantisedType(type) || quantization?.scales.length !== 1) return value;
    const [scale] = quantization.scales;
    const limits = representable(integerRanges[type], { scale, zeroPoint: quantization.zeroPoints[0] });
    if (!exceeds(this.translation.ranges.of(value), limits, scale)) return value;
    return this.emit('unary', clampTo(limits), [value]);
  }

  /** Makes a value (NCHW at rank 4) the operator's k-th output, clamped to the range of a quantised tensor. */
  result(made: string, k = 0): void {
    const value = this.saturated(made, k);
    this.requireExact(this.output(k), value);
    this.anyResult(value, k);
  }

  /** Like result(), also for integers that may be large, where each is a number that float32 holds. */
  anyResult(value: string, k = 0): void {
    const { translation } = this;
    const tensor = this.output(k);
    const shape = translation.shapeOf(value);
    translation.checkShape(tensor, shape, this.operator);
    const own = this.nodes().some((node) => node.outputs.includes(value));
    const result = own ? translation.renameValue(value, tensor.name, this.firstNode) : value;
    translation.setValue(tensor, result);
    const { type, quantization } = tensor;
    if (quantization?.scales.length !== 1) return;
    translation.setFileBytes(result, type, quantization.scales[0], quantization.zeroPoints[0]);
  }

  /** Makes a value in the file's order the operator's k-th output. */
  resultInFileOrder(made: string, k = 0): void {
    // Clamped before the transpose, so that the node that makes the value can fuse the clamp.
    const value = this.saturated(made, k);
    const nhwc = this.translation.shapeOf(value).length === 4;
    this.result(nhwc ? this.emit('transpose', { permutation: channelsFirst }, [value]) : value, k);
  }

  /** Makes a constant, stored in `source`, the operator's output. */
  constantResult(source: TfliteTensor): void {
    const output = this.output();
    const { shape } = output;
    if (shape.length !== source.shape.length || shape.some((d, i) => d !== source.shape[i])) {
      this.fail(
        `makes ${tensorTitle(output)} of shape [${shape}] from ${tensorTitle(source)} of shape [${source.shape}]`,
      );
    }
    this.translation.setConstant(output, source);
  }

  /** Names the nodes, and checks that every output has been made. */
  finish(): void {
    const nodes = this.nodes();
    for (const node of nodes) {
      this.translation.nameNode(node, nodes.length === 1 ? this.title : `${this.title}/${node.op}`);
    }
    this.operator.outputs.forEach((_, k) => {
      if (!this.translation.isMade(this.output(k))) this.fail(`output ${k} is one more than the operator makes`);
    });
  }

  /** A non-negative axis of an input of `rank`, in the file's order. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (positive < 0 || positive >= rank) this.fail(`axis ${axis} of an input of rank ${rank}`);
    return positive;
  }

  /** A fused activation by its number in the schema. */
  activation(code: number): Activation | undefined {
    if (code === 0) return undefined;
    if (code === 1) return { fn: 'clamp', alpha: 0, beta: Infinity };
    if (code === 2) return { fn: 'clamp', alpha: -1, beta: 1 };
    if (code === 3) return { fn: 'clamp', alpha: 0, beta: 6 };
    if (code === 4) return { fn: 'tanh' };
    if (code === 5) return this.unsupported('fused activation SIGN_BIT');
    return this.fail(`unknown fused activation ${code}`);
  }

  private isPlain({ type, quantization }: TfliteTensor): boolean {
    return !realTypes.includes(type) && !quantization;
  }

  /** Arithmetic is in float32, which is exact for integers below 2²⁴. */
  private requireExact(tensor: TfliteTensor, value: string): void {
    if (this.isPlain(tensor) && !isExact(this.translation.ranges.of(value)))
      this.unsupported(inexactReason(tensor.type));
  }

  private nodes(): Node[] {
    return this.translation.graph.nodes.slice(this.firstNode);
  }
}

/** The scale of each index along the first axis, for 8-bit constants that have one for it or one for all. */
function rowScales({ type, quantization, shape }: TfliteTensor, permutation: readonly number[]) {
  if (!quantization || (type !== 'int8' && type !== 'uint8') || shape.length < 2) return undefined;
  const { scales, axis } = quantization;
  const rows = shape[permutation[0]];
  if (scales.length === 1) return new Float32Array(rows).fill(scales[0]);
  return axis === permutation[0] && scales.length === rows ? Float32Array.from(scales) : undefined;
}

export function isUnsupported(error: unknown): error is Error {
  return error instanceof Unsupported || (error instanceof FiligreeError && error.code === 'unsupported');
}
