// Plain objects → the bytes of an ONNX file. Numbers beside fields are field ids of onnx.proto.
import { PbfWriter } from 'pbf';

/** TensorProto.DataType. */
export const dataTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;

export type DataTypeName = keyof typeof dataTypes;

export interface TensorSpec {
  name: string;
  type: number;
  dims: readonly number[];
  /** Little-endian, row-major. */
  raw?: Uint8Array;
  /** Typed fields, in place of raw bytes. */
  floats?: readonly number[];
  int32s?: readonly number[];
  int64s?: readonly number[];
  doubles?: readonly number[];
  uint64s?: readonly number[];
  /** Location, offset and length of the data, when it is in another file. */
  external?: Record<string, string>;
}

export type AttributeSpec =
  | { int: number }
  | { float: number }
  | { string: string }
  | { ints: readonly number[] }
  | { floats: readonly number[] }
  | { tensor: TensorSpec }
  | { sparse: SparseSpec }
  | { graph: GraphSpec };

export interface SparseSpec {
  values: TensorSpec;
  indices: TensorSpec;
  dims: readonly number[];
}

export interface NodeSpec {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  name?: string;
  domain?: string;
  attributes?: Record<string, AttributeSpec>;
}

export interface ValueSpec {
  name: string;
  type: number;
  /** Numbers, or names of symbols; absent when the shape is not known. */
  shape?: readonly (number | string)[];
}

export interface GraphSpec {
  name: string;
  nodes: readonly NodeSpec[];
  inputs: readonly ValueSpec[];
  outputs: readonly ValueSpec[];
  initializers?: readonly TensorSpec[];
  sparseInitializers?: readonly SparseSpec[];
  values?: readonly ValueSpec[];
}

export interface ModelSpec {
  irVersion: number;
  /** Version by domain; the standard operators' domain is ''. */
  opsets: Record<string, number>;
  producer?: string;
  producerVersion?: string;
  description?: string;
  metadata?: Record<string, string>;
  graph: GraphSpec;
}

export function writeModel(model: ModelSpec): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, model.irVersion);
  if (model.producer) pbf.writeStringField(2, model.producer);
  if (model.producerVersion) pbf.writeStringField(3, model.producerVersion);
  if (model.description) pbf.writeStringField(6, model.description);
  pbf.writeMessage(7, writeGraph, model.graph);
  for (const opset of Object.entries(model.opsets)) pbf.writeMessage(8, writeOpset, opset);
  for (const entry of Object.entries(model.metadata ?? {})) pbf.writeMessage(14, writeEntry, entry);
  return pbf.finish();
}

function writeOpset([domain, version]: [string, number], pbf: PbfWriter): void {
  if (domain !== '') pbf.writeStringField(1, domain);
  pbf.writeVarintField(2, version);
}

function writeEntry([key, value]: [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key);
  pbf.writeStringField(2, value);
}

function writeGraph(graph: GraphSpec, pbf: PbfWriter): void {
  for (const node of graph.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, graph.name);
  for (const tensor of graph.initializers ?? []) pbf.writeMessage(5, writeTensor, tensor);
  for (const input of graph.inputs) pbf.writeMessage(11, writeValue, input);
  for (const output of graph.outputs) pbf.writeMessage(12, writeValue, output);
  for (const value of graph.values ?? []) pbf.writeMessage(13, writeValue, value);
  for (const tensor of graph.sparseInitializers ?? []) pbf.writeMessage(15, writeSparse, tensor);
}

function writeNode(node: NodeSpec, pbf: PbfWriter): void {
  for (const input of node.inputs) pbf.writeStringField(1, input);
  for (const output of node.outputs) pbf.writeStringField(2, output);
  if (node.name) pbf.writeStringField(3, node.name);
  pbf.writeStringField(4, node.op);
  for (const attribute of Object.entries(node.attributes ?? {})) pbf.writeMessage(5, writeAttribute, attribute);
  if (node.domain) pbf.writeStringField(7, node.domain);
}

function writeAttribute([name, value]: [string, AttributeSpec], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  const type = (code: number) => pbf.writeVarintField(20, code);
  if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    type(1);
  } else if ('int' in value) {
    pbf.writeVarintField(3, value.int);
    type(2);
  } else if ('string' in value) {
    pbf.writeStringField(4, value.string);
    type(3);
  } else if ('tensor' in value) {
    pbf.writeMessage(5, writeTensor, value.tensor);
    type(4);
  } else if ('graph' in value) {
    pbf.writeMessage(6, writeGraph, value.graph);
    type(5);
  } else if ('floats' in value) {
    for (const number of value.floats) pbf.writeFloatField(7, number);
    type(6);
  } else if ('ints' in value) {
    for (const number of value.ints) pbf.writeVarintField(8, number);
    type(7);
  } else {
    pbf.writeMessage(22, writeSparse, value.sparse);
    type(11);
  }
}

function writeTensor(tensor: TensorSpec, pbf: PbfWriter): void {
  pbf.writePackedVarint(1, [...tensor.dims]);
  pbf.writeVarintField(2, tensor.type);
  if (tensor.floats) pbf.writePackedFloat(4, [...tensor.floats]);
  if (tensor.int32s) pbf.writePackedVarint(5, [...tensor.int32s]);
  if (tensor.int64s) pbf.writePackedVarint(7, [...tensor.int64s]);
  pbf.writeStringField(8, tensor.name);
  if (tensor.raw) pbf.writeBytesField(9, tensor.raw);
  if (tensor.doubles) pbf.writePackedDouble(10, [...tensor.doubles]);
  if (tensor.uint64s) pbf.writePackedVarint(11, [...tensor.uint64s]);
  for (const entry of Object.entries(tensor.external ?? {})) pbf.writeMessage(13, writeEntry, entry);
  if (tensor.external) pbf.writeVarintField(14, 1);
}

function writeSparse({ values, indices, dims }: SparseSpec, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeTensor, values);
  pbf.writeMessage(2, writeTensor, indices);
  pbf.writePackedVarint(3, [...dims]);
}

function writeValue({ name, type, shape }: ValueSpec, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, writeType, { type, shape });
}

function writeType(value: Omit<ValueSpec, 'name'>, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeTensorType, value);
}

function writeTensorType({ type, shape }: Omit<ValueSpec, 'name'>, pbf: PbfWriter): void {
  pbf.writeVarintField(1, type);
  if (shape) pbf.writeMessage(2, writeShape, shape);
}

function writeShape(shape: readonly (number | string)[], pbf: PbfWriter): void {
  for (const d of shape) pbf.writeMessage(1, writeDimension, d);
}

function writeDimension(d: number | string, pbf: PbfWriter): void {
  if (typeof d === 'number') pbf.writeVarintField(1, d);
  else if (d !== '') pbf.writeStringField(2, d);
}

/** Numbers in ONNX's bytes: little-endian, like every WebAssembly host. */
export function rawBytes(numbers: Float32Array | BigInt64Array | Int32Array | Uint8Array | Int8Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

export function floatTensor(name: string, dims: readonly number[], data: Float32Array): TensorSpec {
  return { name, type: dataTypes.float32, dims, raw: rawBytes(data) };
}

export function int64Tensor(name: string, dims: readonly number[], data: readonly number[]): TensorSpec {
  return { name, type: dataTypes.int64, dims, raw: rawBytes(BigInt64Array.from(data, BigInt)) };
}
