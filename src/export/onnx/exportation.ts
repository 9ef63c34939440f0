// The file under construction, to which exporters of operators add.
import { FiligreeError } from '../../errors.ts';
import type { Graph, Node, Shape } from '../../graph/graph.ts';
import { asFloat32 } from '../../graph/constant.ts';
import { permuteData } from '../../graph/permute.ts';
import type { Activation } from '../../program/activations.ts';
import { type AttributeSpec, floatTensor, int64Tensor, type NodeSpec, type TensorSpec } from './protobuf.ts';
import { activationSteps } from './activations.ts';

type Attributes = Record<string, AttributeSpec>;

export class Exportation {
  readonly graph: Graph;
  readonly nodes: NodeSpec[] = [];
  readonly initializers: TensorSpec[] = [];
  private readonly names = new Map<string, string>();
  private readonly taken = new Set<string>();
  private readonly shared = new Map<string, string>();
  private readonly nodeNames = new Set<string>();
  private title = '';

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** `name`, or the first of `name_1`, `name_2`, … that is free. Reserves the result. */
  fresh(name: string): string {
    return takeName(this.taken, name);
  }

  /** Fixes the name of a value in the file. */
  setName(value: string, name: string): void {
    this.names.set(value, name);
  }

  /** A value's name in the file. A constant is stored on first use. */
  name(value: string): string {
    if (value === '') return '';
    const known = this.names.get(value);
    if (known !== undefined) return known;
    const name = this.fresh(value);
    this.names.set(value, name);
    const { shape, dtype, data } = this.graph.values.get(value)!;
    if (data) this.initializers.push(floatTensor(name, shape, asFloat32(dtype, data)));
    return name;
  }

  shape(value: string): Shape {
    return this.graph.values.get(value)!.shape;
  }

  /** A constant's numbers; undefined for a computed value. */
  data(value: string): Float32Array | undefined {
    const { dtype, data } = this.graph.values.get(value)!;
    return data && asFloat32(dtype, data);
  }

  /** Stores a vector of integers, each vector once; gives its name. */
  integers(numbers: readonly number[], shape: Shape = [numbers.length]): string {
    return this.sharedTensor(`int64 [${shape}] ${numbers}`, (name) => int64Tensor(name, shape, numbers));
  }

  floats(numbers: readonly number[]): string {
    return this.sharedTensor(`floats ${numbers}`, (name) =>
      floatTensor(name, [numbers.length], Float32Array.from(numbers)),
    );
  }

  scalar(number: number): string {
    return this.sharedTensor(`float ${number} ${Object.is(number, -0)}`, (name) =>
      floatTensor(name, [], Float32Array.of(number)),
    );
  }

  /** A constant with its axes permuted; gives its name. */
  permuted(value: string, permutation: readonly number[]): string {
    const shape = this.shape(value);
    return this.sharedTensor(`${value} ${permutation}`, (name) => {
      const data = permuteData(this.data(value)!, shape, permutation);
      return floatTensor(
        name,
        permutation.map((axis) => shape[axis]),
        data,
      );
    });
  }

  private sharedTensor(key: string, make: (name: string) => TensorSpec): string {
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const tensor = make(this.fresh(`constant_${this.shared.size}`));
    this.shared.set(key, tensor.name);
    this.initializers.push(tensor);
    return tensor.name;
  }

  /** Sets the name of the nodes that follow. */
  begin(title: string): void {
    this.title = title;
  }

  /** Adds a node; gives the name of its output. */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}, output?: string): string {
    const name = output ?? this.fresh(`${this.title}/${op}`);
    this.addAll(op, inputs, attributes, [name]);
    return name;
  }

  addAll(op: string, inputs: readonly string[], attributes: Attributes, outputs: readonly string[]): void {
    const name = takeName(this.nodeNames, this.title || op);
    this.nodes.push({ op, inputs, outputs, name, attributes });
  }

  /** Adds the nodes of an activation; the last makes `output`. */
  activate(x: string, activation: Activation | undefined, output: string): void {
    let value = x;
    const steps = activationSteps(activation ?? { fn: 'identity' });
    const made: string[] = [];
    const operand = (input: string | number) => {
      if (typeof input === 'number') return this.scalar(input);
      if (input === 'x') return x;
      return input === '' ? '' : made[Number(input.slice(1))];
    };
    steps.forEach(({ op, inputs, attributes }, i) => {
      value = this.add(op, inputs.map(operand), attributes, i === steps.length - 1 ? output : undefined);
      made.push(value);
    });
  }

  /** Adds a node and its fused activation; the last node makes the output. */
  addActivated(node: Node, op: string, inputs: readonly string[], attributes: Attributes = {}): void {
    const output = this.name(node.outputs[0]);
    const { activation } = node.attributes as { activation?: Activation };
    if (!activation || activation.fn === 'identity') this.add(op, inputs, attributes, output);
    else this.activate(this.add(op, inputs, attributes), activation, output);
  }

  fail(node: Node, reason: string): never {
    throw new FiligreeError('unsupported', `${this.graph.name}: node "${node.name}" (${node.op}): ${reason}`);
  }
}

function takeName(taken: Set<string>, name: string): string {
  let unique = name || 'value';
  for (let i = 1; taken.has(unique); i++) unique = `${name || 'value'}_${i}`;
  taken.add(unique);
  return unique;
}
