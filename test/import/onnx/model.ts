// Builds small ONNX models node by node, and compares their compiled results with onnxruntime-web.
import { expect } from 'vitest';
import { dataTypes, type AttributeSpec, type GraphSpec, type ModelSpec } from '../../../src/export/onnx/protobuf.ts';
import {
  floatTensor,
  int64Tensor,
  writeModel,
  type NodeSpec,
  type TensorSpec,
} from '../../../src/export/onnx/protobuf.ts';
import { rawBytes, type ValueSpec } from '../../../src/export/onnx/protobuf.ts';
import { elementCount, Tensor } from '../../../src/tensor.ts';
import type { DType } from '../../../src/tensor.ts';
import { randomFloats } from '../../kernels/wasm.ts';

export type AttributeValue =
  number | string | readonly number[] | { float: number } | { floats: readonly number[] } | TensorSpec;

/** Numbers are INT attributes, lists INTS; { float } and { floats } say otherwise. */
function attribute(value: AttributeValue): AttributeSpec {
  if (typeof value === 'number') return { int: value };
  if (typeof value === 'string') return { string: value };
  if (Array.isArray(value)) return { ints: value as number[] };
  if ('float' in (value as object)) return value as { float: number };
  if ('floats' in (value as object) && !('dims' in (value as object))) return value as { floats: number[] };
  return { tensor: value as TensorSpec };
}

export class OnnxBuilder {
  readonly opset: number;
  readonly inputs: ValueSpec[] = [];
  readonly outputs: ValueSpec[] = [];
  readonly nodes: NodeSpec[] = [];
  readonly initializers: TensorSpec[] = [];
  values: ValueSpec[] = [];
  feeds: Record<string, Tensor> = {};
  #random: (count: number, scale?: number) => Float32Array;

  constructor(opset: number, seed = 1) {
    this.opset = opset;
    this.#random = randomFloats(seed);
  }

  random(count: number, scale = 1): Float32Array {
    return this.#random(count, scale);
  }

  /** An input with random numbers to run it on; integers are 0 … 100. */
  input(
    shape: readonly number[],
    { dtype = 'float32' as DType, declared = shape as readonly (number | string)[] } = {},
  ): string {
    const name = `x${this.inputs.length}`;
    this.inputs.push({ name, type: dataTypes[dtype], shape: declared });
    const numbers = this.random(elementCount(shape), 2);
    const isFloat = dtype === 'float32';
    this.feeds[name] = new Tensor(
      dtype,
      shape,
      isFloat ? numbers : Array.from(numbers, (v) => Math.floor(Math.abs(v) * 50)),
    );
    return name;
  }

  floats(shape: readonly number[], data: Float32Array | readonly number[] = this.random(elementCount(shape))): string {
    return this.tensor(floatTensor(`c${this.initializers.length}`, shape, Float32Array.from(data)));
  }

  int64s(data: readonly number[], shape: readonly number[] = [data.length]): string {
    return this.tensor(int64Tensor(`c${this.initializers.length}`, shape, data));
  }

  bytes(dtype: 'int8' | 'uint8', data: readonly number[], shape: readonly number[] = [data.length]): string {
    const stored = dtype === 'int8' ? Int8Array.from(data) : Uint8Array.from(data);
    return this.tensor({
      name: `c${this.initializers.length}`,
      type: dataTypes[dtype],
      dims: shape,
      raw: rawBytes(stored),
    });
  }

  tensor(tensor: TensorSpec): string {
    this.initializers.push(tensor);
    return tensor.name;
  }

  node(op: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}): string {
    return this.nodesOf(op, inputs, attributes, 1)[0];
  }

  nodesOf(op: string, inputs: readonly string[], attributes: Record<string, AttributeValue>, count: number): string[] {
    const [domain, plain] = op.includes('.') ? ['com.microsoft', op.slice(op.lastIndexOf('.') + 1)] : ['', op];
    const name = `${plain}${this.nodes.length}`;
    const outputs = Array.from({ length: count }, (_, k) => (count === 1 ? name : `${name}.${k}`));
    const list = Object.entries(attributes).map(([key, value]) => [key, attribute(value)] as const);
    this.nodes.push({ op: plain, domain, inputs, outputs, name, attributes: Object.fromEntries(list) });
    return outputs;
  }

  output(name: string, type: number = dataTypes.float32): this {
    this.outputs.push({ name, type });
    return this;
  }

  spec(graph: Partial<GraphSpec> = {}, model: Partial<ModelSpec> = {}): ModelSpec {
    const { inputs, outputs, nodes, initializers, values } = this;
    return {
      irVersion: 8,
      opsets: { '': this.opset, 'com.microsoft': 1 },
      graph: { name: 'test', inputs, outputs, nodes, initializers, values, ...graph },
      ...model,
    };
  }

  bytesOfModel(graph: Partial<GraphSpec> = {}, model: Partial<ModelSpec> = {}): Uint8Array {
    expect(this.outputs.length).toBeGreaterThan(0);
    return writeModel(this.spec(graph, model));
  }
}
