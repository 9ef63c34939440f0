// A TFLite file as plain objects: the part of tensorflow/compiler/mlir/lite/schema/schema.fbs that vision models use.
// Numbers beside fields are field ids. References are checked here, so that later steps can index freely.
import { FiligreeError } from '../../errors.ts';
import { elementCount } from '../../tensor.ts';
import { FlatFile, FlatTable } from './flatbuffer.ts';
import { operatorName } from './builtin-operators.ts';

/** TensorType by its number. */
export const tensorTypes = [
  'float32',
  'float16',
  'int32',
  'uint8',
  'int64',
  'string',
  'bool',
  'int16',
  'complex64',
  'int8',
  'float64',
  'complex128',
  'uint64',
  'resource',
  'variant',
  'uint32',
  'uint16',
  'int4',
  'bfloat16',
] as const;

export type TensorType = (typeof tensorTypes)[number];

/** real = scale × (stored − zeroPoint); one scale, or one for each index of axis `axis`. */
export interface Quantization {
  scales: number[];
  zeroPoints: number[];
  axis: number;
}

/** How one dimension of a sparse tensor is stored. */
export type SparseDimension =
  { format: 'dense'; size: number } | { format: 'csr'; segments: number[]; indices: number[] };

export interface Sparsity {
  traversalOrder: number[];
  blockMap: number[];
  dimensions: SparseDimension[];
}

export interface TfliteTensor {
  index: number;
  name: string;
  /** In the file's own axis order. */
  shape: number[];
  /** The shape with −1 where it is dynamic; empty when all of it is static. */
  signature: number[];
  type: TensorType;
  buffer: number;
  quantization?: Quantization;
  sparsity?: Sparsity;
  isVariable: boolean;
}

export interface TfliteOperator {
  index: number;
  /** `CONV_2D`, or `CUSTOM (its name)`. */
  name: string;
  /** Tensor indices; −1 is an absent optional input. */
  inputs: number[];
  outputs: number[];
  options: { type: number; table: FlatTable };
  customOptions: Uint8Array;
}

export interface TfliteModel {
  file: string;
  /** Length of the file in bytes. */
  bytes: number;
  /** The Model table, for readers that need more than these fields. */
  root: FlatTable;
  description: string;
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
  inputs: number[];
  outputs: number[];
  buffers: Uint8Array[];
  subgraphCount: number;
}

/** Largest tensor, in bytes, that any host could hold. */
export const largestTensor = 2 ** 31;

/** The only schema version that is supported. */
export const schemaVersion = 3;

/**
 * Reads a TFLite file.
 * @throws FiligreeError `invalid-model` when it is not a TFLite file, or anything in it points outside the file.
 */
export function readModel(bytes: Uint8Array, name: string): TfliteModel {
  const identifier = bytes.length >= 8 ? String.fromCharCode(...bytes.subarray(4, 8)) : '';
  if (identifier !== 'TFL3') {
    throw new FiligreeError(
      'invalid-model',
      `${name}: not a TFLite model: bytes 4 to 7 must be "TFL3", ${
        bytes.length < 8 ? `the file has ${bytes.length} bytes` : `got ${JSON.stringify(identifier)}`
      }`,
    );
  }
  const file = new FlatFile(bytes, name);
  const model = file.root('');
  const version = model.uint32(0);
  if (version !== schemaVersion) {
    file.fail('', `the file has TFLite schema version ${version}; it must be ${schemaVersion}`);
  }
  const buffers = model.tables(4, 'buffer').map(readBuffer);
  const codes = model.tables(1, 'operator code').map(readOperatorCode);
  const subgraphs = model.tables(2, 'subgraph');
  if (subgraphs.length === 0) file.fail('', 'the model has no subgraph');
  const [main] = subgraphs;

  const inside = new FlatTable(file, -1, '');
  const tensors = main.tables(0, 'tensor').map((table, i) => readTensor(table, i, buffers.length));
  const tensorIndices = (indices: number[], path: string, optional: boolean) => {
    for (const index of indices) {
      if (index >= tensors.length || index < (optional ? -1 : 0)) {
        file.fail(path, `refers to tensor ${index}; there are ${tensors.length}`);
      }
    }
    return indices;
  };
  const operators = main.tables(3, 'operator').map((table, index): TfliteOperator => {
    const code = table.uint32(0);
    if (code >= codes.length) file.fail(table.path, `operator code ${code}; there are ${codes.length}`);
    const path = `operator ${index} (${codes[code]})`;
    return {
      index,
      name: codes[code],
      inputs: tensorIndices(table.int32s(1, 'inputs'), path, true),
      outputs: tensorIndices(table.int32s(2, 'outputs'), path, false),
      options: { type: table.uint8(3), table: table.table(4, 'options') ?? inside },
      customOptions: table.bytes(5, 'custom options'),
    };
  });
  return {
    file: name,
    bytes: bytes.length,
    root: model,
    description: model.string(3, 'description'),
    tensors,
    operators,
    inputs: tensorIndices(main.int32s(1, 'inputs'), 'the inputs', false),
    outputs: tensorIndices(main.int32s(2, 'outputs'), 'the outputs', false),
    buffers,
    subgraphCount: subgraphs.length,
  };
}

/** Data inside the flatbuffer, or, in files of more than 2 GB, at an offset from the file's start. */
function readBuffer(table: FlatTable): Uint8Array {
  const offset = table.uint64(1);
  if (offset <= 1) return table.bytes(0, 'data');
  const size = table.uint64(2);
  table.file.require(offset, size, table.path, 'data');
  return table.file.bytes.subarray(offset, offset + size);
}

function readOperatorCode(table: FlatTable): string {
  return operatorName(Math.max(table.int8(0), table.int32(3)), table.string(1, 'custom code'));
}

function readTensor(table: FlatTable, index: number, bufferCount: number): TfliteTensor {
  const { file } = table;
  const name = table.string(3, 'name');
  const path = `tensor ${index} ${JSON.stringify(name)}`;
  const typeNumber = table.int8(1);
  const type = tensorTypes[typeNumber];
  if (!type) file.fail(path, `unknown type ${typeNumber}`);
  const shape = table.int32s(0, 'shape');
  const signature = table.int32s(7, 'shape signature');
  if (shape.length > 8) file.fail(path, `rank ${shape.length}; at most 8 is supported`);
  if (shape.some((d) => d < -1) || elementCount(shape.map(Math.abs)) * 4 >= largestTensor) {
    file.fail(path, `shape [${shape}] is not that of a tensor under 2 GiB`);
  }
  const buffer = table.uint32(2);
  if (buffer >= bufferCount) file.fail(path, `refers to buffer ${buffer}; there are ${bufferCount}`);
  return {
    index,
    name,
    shape,
    signature: signature.includes(-1) ? signature : [],
    type,
    buffer,
    quantization: readQuantization(table.table(4, 'quantization'), shape, path),
    sparsity: readSparsity(table.table(6, 'sparsity')),
    isVariable: table.bool(5),
  };
}

function readQuantization(table: FlatTable | undefined, shape: number[], path: string): Quantization | undefined {
  if (!table) return undefined;
  const scales = table.float32s(2, 'scale');
  if (scales.length === 0) return undefined;
  if (table.uint8(4) !== 0) table.file.fail(path, 'custom quantization is not supported');
  const zeroPoints = table.int64s(3, 'zero point');
  if (zeroPoints.length === 0) zeroPoints.push(0);
  const axis = table.int32(6);
  if (scales.length > 1 && (axis < 0 || axis >= shape.length || shape[axis] !== scales.length)) {
    table.file.fail(path, `${scales.length} scales along axis ${axis} of shape [${shape}]`);
  }
  if (zeroPoints.length !== 1 && zeroPoints.length !== scales.length) {
    table.file.fail(path, `${zeroPoints.length} zero points for ${scales.length} scales`);
  }
  if (!scales.every((s) => Number.isFinite(s))) table.file.fail(path, 'a quantization scale is not finite');
  return { scales, zeroPoints, axis };
}

function readSparsity(table: FlatTable | undefined): Sparsity | undefined {
  if (!table) return undefined;
  return {
    traversalOrder: table.int32s(0, 'traversal order'),
    blockMap: table.int32s(1, 'block map'),
    dimensions: table.tables(2, 'dimension').map((dimension): SparseDimension => {
      const format = dimension.int8(0);
      if (format === 0) return { format: 'dense', size: dimension.int32(1) };
      if (format !== 1) dimension.file.fail(dimension.path, `unknown format ${format}`);
      return {
        format: 'csr',
        segments: readIndexVector(dimension, 2, 'segments'),
        indices: readIndexVector(dimension, 4, 'indices'),
      };
    }),
  };
}

/** A SparseIndexVector union: its type at `field`, its table after it. */
function readIndexVector(dimension: FlatTable, field: number, label: string): number[] {
  const type = dimension.uint8(field);
  const table = dimension.table(field + 1, label);
  if (!table) dimension.file.fail(dimension.path, `a sparse dimension without ${label}`);
  if (type === 1) return table.int32s(0, 'values');
  if (type === 2) return table.uint16s(0, 'values');
  if (type === 3) return Array.from(table.bytes(0, 'values'));
  return dimension.file.fail(dimension.path, `${label} of unknown type ${type}`);
}
