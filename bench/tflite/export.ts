// Graphs → TFLite models, for the peers that read nothing else.
//
// A value of the graph may be stored with its axes in another order: feature maps as NHWC, and values derived from them in the
// order that results. So transposes are free; data moves only when an operator or an output needs a certain order.
import { FiligreeError } from '../../src/errors.ts';
import { asFloat32 } from '../../src/graph/constant.ts';
import type { Graph, Node, Port, Shape } from '../../src/graph/graph.ts';
import { valueOf } from '../../src/graph/graph.ts';
import { inversePermutation, permuteData, permuteShape } from '../../src/graph/permute.ts';
import { verify } from '../../src/graph/verify.ts';
import { fuseActivations } from '../../src/passes/fuse-activations.ts';
import type { Activation } from '../../src/program/activations.ts';
import { ModelBuilder } from '../../test/import/tflite/model.ts';
import type { Options } from '../../test/import/tflite/writer.ts';
import { activationSteps, fusedActivation } from './activations.ts';
import { answer } from '../../src/ops/nodes.ts';
import { exporters } from './operators.ts';

/** Axis k of the file's tensor is axis order[k] of the value. */
export type Order = readonly number[];

export const nhwc: Order = [0, 2, 3, 1];

export const axesOf = (rank: number): Order => Array.from({ length: rank }, (_, axis) => axis);

export interface TfliteExportOptions {
  /** Stores the weights of 1×1 convolutions in TFLite's sparse encoding, unpacked by DENSIFY as in published models. */
  sparse?: boolean;
}

interface Stored {
  tensor: number;
  order: Order;
}

/** The model under construction. */
export class TfliteExport {
  readonly graph: Graph;
  readonly sparse: boolean;
  readonly model = new ModelBuilder();
  readonly #stored = new Map<string, Stored>();
  readonly #constants = new Map<string, number>();

  constructor(graph: Graph, { sparse = false }: TfliteExportOptions) {
    this.graph = graph;
    this.sparse = sparse;
  }

  shape(value: string): Shape {
    return valueOf(this.graph, value).shape;
  }

  /** A constant's numbers. @throws FiligreeError `unsupported` for computed values. */
  data(node: Node, value: string): Float32Array {
    const { dtype, data } = valueOf(this.graph, value);
    return data ? asFloat32(dtype, data) : this.fail(node, `"${value}" must be constant`);
  }

  isConstant(value: string): boolean {
    return valueOf(this.graph, value).data !== undefined;
  }

  input(port: Port): void {
    const order = authorOrder(port, this.shape(port.value).length);
    const tensor = this.model.input(port.name, permuteShape(this.shape(port.value), order));
    this.store(port.value, tensor, order);
  }

  output(port: Port): void {
    const tensor = this.inOrder(port.value, authorOrder(port, this.shape(port.value).length));
    this.model.tensors[tensor].name = port.name;
    this.model.outputs.push(tensor);
  }

  store(value: string, tensor: number, order: Order): void {
    this.#stored.set(value, { tensor, order });
  }

  /** The stored order of a computed value; unchanged axes for constants. */
  order(value: string): Order {
    return this.#stored.get(value)?.order ?? axesOf(this.shape(value).length);
  }

  /** The tensor of a value with its axes in this order, transposed if it is stored in another. */
  inOrder(value: string, order: Order): number {
    if (this.isConstant(value)) return this.constant(value, order);
    const shape = this.shape(value);
    const stored = this.#stored.get(value)!;
    if (stored.order.every((axis, k) => axis === order[k])) return stored.tensor;
    const place = inversePermutation(stored.order);
    const permutation = order.map((axis) => place[axis]);
    const moving = permutation.filter((k) => shape[stored.order[k]] > 1);
    const inPlace = moving.every((k, i) => i === 0 || moving[i - 1] < k);
    const wanted = permuteShape(shape, order);
    const [tensor] = inPlace
      ? this.model.apply(`${value}/reshaped`, 'RESHAPE', [stored.tensor, this.integers(wanted)], [wanted], {
          Reshape: { shape: wanted },
        })
      : this.model.apply(`${value}/transposed`, 'TRANSPOSE', [stored.tensor, this.integers(permutation)], [wanted]);
    return tensor;
  }

  /** A constant of the graph in this order. Its rank may grow. */
  constant(value: string, order: Order): number {
    const key = `${value} ${order}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const { shape, dtype, data } = valueOf(this.graph, value);
    const full = [...Array.from({ length: order.length - shape.length }, () => 1), ...shape];
    const tensor = this.model.floats(permuteShape(full, order), permuteData(asFloat32(dtype, data!), full, order));
    this.#constants.set(key, tensor);
    return tensor;
  }

  integers(numbers: readonly number[], shape: Shape = [numbers.length]): number {
    const key = `integers [${shape}] ${numbers}`;
    const tensor = this.#constants.get(key) ?? this.model.integers(shape, numbers);
    this.#constants.set(key, tensor);
    return tensor;
  }

  scalar(number: number): number {
    const key = `scalar ${number}`;
    const tensor = this.#constants.get(key) ?? this.model.floats([], Float32Array.of(number));
    this.#constants.set(key, tensor);
    return tensor;
  }

  /** Adds an operator that makes a value in this order. */
  emit(value: string, order: Order, op: string, inputs: readonly number[], options?: Options): void {
    const [tensor] = this.model.apply(value, op, inputs, [permuteShape(this.shape(value), order)], options);
    this.store(value, tensor, order);
  }

  /** Like emit, with the activation: fused if TFLite can, else as operators. `options` take its code. */
  emitActivated(
    value: string,
    order: Order,
    op: string,
    inputs: readonly number[],
    activation: Activation | undefined,
    options: (fused: number) => Options,
  ): void {
    const fused = fusedActivation(activation);
    this.emit(value, order, op, inputs, options(fused ?? 0));
    if (fused === undefined) this.activate(value, this.#stored.get(value)!.tensor, order, activation!);
  }

  /** Adds operators that apply a function to a tensor; the last makes the value. */
  activate(value: string, x: number, order: Order, activation: Activation): void {
    const shape = permuteShape(this.shape(value), order);
    let tensor = x;
    for (const { op, inputs, options } of activationSteps(activation)) {
      const operands = inputs.map((input) => {
        if (input === 'x') return x;
        return input === 'last' ? tensor : this.scalar(input);
      });
      [tensor] = this.model.apply(`${value}/${op}`, op, operands, [shape], options);
    }
    this.store(value, tensor, order);
  }

  fail(node: Node, reason: string): never {
    throw new FiligreeError('unsupported', `${this.graph.name}: node "${node.name}" (${node.op}): ${reason}`);
  }
}

/** The author's order of a port; feature maps without one are NHWC. */
function authorOrder({ permutation }: Port, rank: number): Order {
  return permutation ?? (rank === 4 ? nhwc : axesOf(rank));
}

/**
 * A graph as a TFLite model. Inputs and outputs keep their names; those of rank 4 are NHWC.
 * @throws FiligreeError `unsupported` when TFLite lacks an operator.
 */
export function exportTflite(graph: Graph, options: TfliteExportOptions = {}): ModelBuilder {
  verify(graph);
  // Weights are shared with the caller's graph; nodes are not, because activations are fused here.
  const copy: Graph = {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: [...node.inputs], outputs: [...node.outputs] })),
    values: new Map(graph.values),
  };
  fuseActivations(copy);
  const file = new TfliteExport(copy, options);
  copy.inputs.forEach((port) => file.input(port));
  for (const node of copy.nodes) answer(exporters, node, file);
  copy.outputs.forEach((port) => file.output(port));
  return file.model;
}
