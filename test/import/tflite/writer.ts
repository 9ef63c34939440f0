// Writes small TFLite files for tests. Field numbers are those of TFLite's schema.fbs.
import { Builder } from 'flatbuffers';
import { operatorNumber, optionTypes as readOptionTypes } from '../../../src/import/tflite/builtin-operators.ts';
import { tensorTypes, type TensorType } from '../../../src/import/tflite/schema.ts';

/** Those that the importer reads, and those that it does without. */
const optionTypes = { ...readOptionTypes, Split: 35, SplitV: 79 } as const;
type OptionsName = keyof typeof optionTypes;

export type Numbers = ArrayLike<number>;
export type IndexWidth = 'int32' | 'uint16' | 'uint8';

/** Indices are stored in `width`, segments too if they have none of their own. */
export type DimensionSpec =
  { size: number } | { segments: Numbers; indices: Numbers; width: IndexWidth; segmentWidth?: IndexWidth };

export interface TensorSpec {
  name?: string;
  shape: readonly number[];
  type?: TensorType;
  /** Bytes, or a typed array of them, of a constant. */
  data?: ArrayBufferView;
  quantization?: { scales: Numbers; zeroPoints?: Numbers; axis?: number };
  sparsity?: { traversalOrder: Numbers; blockMap?: Numbers; dimensions: DimensionSpec[] };
  signature?: readonly number[];
  isVariable?: boolean;
}

export interface OperatorSpec {
  /** `CONV_2D`, or `CUSTOM name`. */
  op: string;
  inputs: readonly number[];
  outputs: readonly number[];
  options?: Options;
  /** Options of a custom operator. */
  customOptions?: Uint8Array;
}

/** Options by name, with fields in the order of the schema; numbers by their kind. */
export type Options = {
  [Name in OptionsName]?: Partial<Record<FieldName<Name>, number | boolean | readonly number[]>>;
};

export interface ModelSpec {
  tensors: TensorSpec[];
  operators: OperatorSpec[];
  inputs: readonly number[];
  outputs: readonly number[];
  /** Empty subgraphs after the first. */
  moreSubgraphs?: number;
  version?: number;
  /** Lists every operator that often, all of them the same bytes. */
  repeatOperators?: number;
  /** What the entry TFLITE_METADATA holds, and entries by other names. */
  metadata?: Record<string, Uint8Array>;
  /** Data by offset from the file's start, as in files of more than 2 GB. */
  outsideBuffers?: boolean;
}

const fields = {
  Conv2D: [
    'int8 padding',
    'int32 strideWidth',
    'int32 strideHeight',
    'int8 activation',
    'int32 dilationWidth',
    'int32 dilationHeight',
  ],
  DepthwiseConv2D: [
    'int8 padding',
    'int32 strideWidth',
    'int32 strideHeight',
    'int32 multiplier',
    'int8 activation',
    'int32 dilationWidth',
    'int32 dilationHeight',
  ],
  Pool2D: ['int8 padding', 'int32 strideWidth', 'int32 strideHeight', 'int32 width', 'int32 height', 'int8 activation'],
  FullyConnected: ['int8 activation', 'int8 format', 'int8 keepDims'],
  Softmax: ['float32 beta'],
  Concatenation: ['int32 axis', 'int8 activation'],
  Add: ['int8 activation'],
  ResizeBilinear: ['int32 unused0', 'int32 unused1', 'int8 alignCorners', 'int8 halfPixel'],
  Reshape: ['int32s shape'],
  SpaceToDepth: ['int32 blockSize'],
  Mul: ['int8 activation'],
  Gather: ['int32 axis', 'int32 batchDims'],
  Reducer: ['int8 keepDims'],
  Sub: ['int8 activation'],
  Div: ['int8 activation'],
  Squeeze: ['int32s axes'],
  StridedSlice: [
    'int32 beginMask',
    'int32 endMask',
    'int32 ellipsisMask',
    'int32 newAxisMask',
    'int32 shrinkMask',
    'int8 offset',
  ],
  TransposeConv: ['int8 padding', 'int32 strideWidth', 'int32 strideHeight', 'int8 activation'],
  ArgMax: ['int8 outputType'],
  ArgMin: ['int8 outputType'],
  Pack: ['int32 count', 'int32 axis'],
  Unpack: ['int32 count', 'int32 axis'],
  ResizeNearestNeighbor: ['int8 alignCorners', 'int8 halfPixel'],
  LeakyRelu: ['float32 alpha'],
  MirrorPad: ['int8 mode'],
  DepthToSpace: ['int32 blockSize'],
  BatchMatMul: ['bool adjX', 'bool adjY', 'bool asymmetricQuantizeInputs'],
  Gelu: ['int8 approximate'],
  Split: ['int32 count'],
  SplitV: ['int32 count'],
} as const satisfies Record<OptionsName, readonly string[]>;

type FieldName<Name extends OptionsName> = (typeof fields)[Name][number] extends `${string} ${infer Field}`
  ? Field
  : never;

export function writeTflite(model: ModelSpec): Uint8Array {
  const plain = writeModel(model, []);
  if (!model.outsideBuffers) return plain;
  // Offsets do not change the file's size, so a second writing knows where the data will begin.
  const start = (plain.length + 15) & ~15;
  const places: [number, number][] = [];
  let end = start;
  for (const { data } of model.tensors) {
    places.push([end, data?.byteLength ?? 0]);
    end += ((data?.byteLength ?? 0) + 15) & ~15;
  }
  const file = new Uint8Array(end);
  file.set(writeModel(model, places));
  model.tensors.forEach(({ data }, i) => data && file.set(bytesOf(data), places[i][0]));
  return file;
}

function writeModel(model: ModelSpec, places: [number, number][]): Uint8Array {
  const b = new Builder(1024);
  const entries = Object.entries(model.metadata ?? {});
  const codes = [...new Set(model.operators.map(({ op }) => op))];
  const buffers = [
    table(b, []),
    ...model.tensors.map((tensor, i) =>
      writeBuffer(b, tensor, model.outsideBuffers ? (places[i] ?? [2, 0]) : undefined),
    ),
    ...entries.map(([, data]) => writeBuffer(b, { shape: [], data }, undefined)),
  ];
  const buffersAt = offsets(b, buffers);
  const codesAt = offsets(
    b,
    codes.map((op) => writeOperatorCode(b, op)),
  );
  const tensorsAt = offsets(
    b,
    model.tensors.map((tensor, i) => writeTensor(b, tensor, i)),
  );
  const operators = model.operators.map((operator) => writeOperator(b, operator, codes));
  const operatorsAt = offsets(
    b,
    operators.flatMap((at) => Array.from({ length: model.repeatOperators ?? 1 }, () => at)),
  );
  const inputs = int32s(b, model.inputs);
  const outputs = int32s(b, model.outputs);
  const subgraphs = [
    table(b, [
      ['at', tensorsAt],
      ['at', inputs],
      ['at', outputs],
      ['at', operatorsAt],
    ]),
  ];
  for (let i = 0; i < (model.moreSubgraphs ?? 0); i++) subgraphs.push(table(b, []));
  const subgraphsAt = offsets(b, subgraphs);
  const entriesAt = offsets(
    b,
    entries.map(([name], i) => {
      const nameAt = b.createString(name);
      return table(b, [
        ['at', nameAt],
        ['int32', model.tensors.length + 1 + i],
      ]);
    }),
  );
  const root = table(b, [
    ['int32', model.version ?? 3],
    ['at', codesAt],
    ['at', subgraphsAt],
    undefined,
    ['at', buffersAt],
    undefined,
    ['at', entriesAt],
  ]);
  b.finish(root, 'TFL3');
  return b.asUint8Array().slice();
}

function writeBuffer(b: Builder, { data }: TensorSpec, place: [number, number] | undefined): number {
  if (!data) return table(b, []);
  if (place) return table(b, [undefined, ['uint64', place[0]], ['uint64', place[1]]]);
  const bytes = bytesOf(data);
  b.prep(16, bytes.length);
  return table(b, [['at', b.createByteVector(bytes)]]);
}

function writeOperatorCode(b: Builder, op: string): number {
  const [name, custom] = op.split(' ');
  const number = /^\d+$/.test(name) ? Number(name) : operatorNumber(name);
  if (number < 0) throw new Error(`no operator ${op}`);
  const code = custom === undefined ? undefined : b.createString(custom);
  return table(b, [
    ['int8', Math.min(number, 127)],
    code === undefined ? undefined : ['at', code],
    ['int32', 1],
    ['int32', number],
  ]);
}

function writeTensor(b: Builder, tensor: TensorSpec, i: number): number {
  const name = b.createString(tensor.name ?? `tensor${i}`);
  const shape = int32s(b, tensor.shape);
  const signature = tensor.signature && int32s(b, tensor.signature);
  const quantization = tensor.quantization && writeQuantization(b, tensor.quantization);
  const sparsity = tensor.sparsity && writeSparsity(b, tensor.sparsity);
  return table(b, [
    ['at', shape],
    ['int8', tensorTypes.indexOf(tensor.type ?? 'float32')],
    ['int32', tensor.data ? i + 1 : 0],
    ['at', name],
    quantization && ['at', quantization],
    ['int8', tensor.isVariable ? 1 : 0],
    sparsity && ['at', sparsity],
    signature && ['at', signature],
    ['int8', 1],
  ]);
}

function writeQuantization(b: Builder, { scales, zeroPoints, axis }: NonNullable<TensorSpec['quantization']>): number {
  const points = BigInt64Array.from(Array.from(zeroPoints ?? Array.from(scales, () => 0)), BigInt);
  const pointsAt = vector(b, bytesOf(points), 8, 8);
  const scalesAt = vector(b, bytesOf(Float32Array.from(scales)), 4, 4);
  return table(b, [
    undefined,
    undefined,
    ['at', scalesAt],
    ['at', pointsAt],
    undefined,
    undefined,
    ['int32', axis ?? 0],
  ]);
}

function writeSparsity(
  b: Builder,
  { traversalOrder, blockMap, dimensions }: NonNullable<TensorSpec['sparsity']>,
): number {
  const described = dimensions.map((dimension) => {
    if ('size' in dimension)
      return table(b, [
        ['int8', 0],
        ['int32', dimension.size],
      ]);
    const types = { int32: 1, uint16: 2, uint8: 3 };
    const { width, segmentWidth = width } = dimension;
    const segments = indexVector(b, dimension.segments, segmentWidth);
    const indices = indexVector(b, dimension.indices, width);
    return table(b, [
      ['int8', 1],
      undefined,
      ['int8', types[segmentWidth]],
      ['at', segments],
      ['int8', types[width]],
      ['at', indices],
    ]);
  });
  const dimensionsAt = offsets(b, described);
  const order = int32s(b, Array.from(traversalOrder));
  const blocks = blockMap && int32s(b, Array.from(blockMap));
  return table(b, [['at', order], blocks && ['at', blocks], ['at', dimensionsAt]]);
}

function indexVector(b: Builder, numbers: Numbers, width: IndexWidth): number {
  const ArrayType = { int32: Int32Array, uint16: Uint16Array, uint8: Uint8Array }[width];
  const array = ArrayType.from(numbers);
  return table(b, [['at', vector(b, bytesOf(array), array.BYTES_PER_ELEMENT, 4)]]);
}

function writeOperator(b: Builder, operator: OperatorSpec, codes: string[]): number {
  const { op, inputs, outputs, options = {}, customOptions } = operator;
  const [chosen] = Object.entries(options) as [OptionsName, Record<string, number | boolean | readonly number[]>][];
  const optionsAt = chosen && writeOptions(b, chosen[0], chosen[1]);
  const [inputsAt, outputsAt] = [int32s(b, inputs), int32s(b, outputs)];
  const customAt = customOptions && vector(b, customOptions, 1, 8);
  return table(b, [
    ['int32', codes.indexOf(op)],
    ['at', inputsAt],
    ['at', outputsAt],
    chosen && ['int8', optionTypes[chosen[0]]],
    chosen && ['at', optionsAt],
    customAt && ['at', customAt],
  ]);
}

function writeOptions(
  b: Builder,
  name: OptionsName,
  given: Record<string, number | boolean | readonly number[]>,
): number {
  const entries = fields[name].map((field): Field => {
    const [kind, key] = field.split(' ') as [string, string];
    const value = given[key];
    if (value === undefined) return undefined;
    return kind === 'int32s' ? ['at', int32s(b, value as number[])] : [kind as 'int8', Number(value)];
  });
  return table(b, entries);
}

export type Field = ['int8' | 'int32' | 'uint64' | 'float32' | 'at', number] | undefined;

/** Fields by number. The objects that they point to must already be written. */
export function table(b: Builder, entries: (Field | 0 | '')[]): number {
  b.startObject(entries.length);
  entries.forEach((entry, i) => {
    if (!entry) return;
    const [kind, value] = entry;
    // A default that no value equals, so that every field is written.
    if (kind === 'int8') b.addFieldInt8(i, value, NaN);
    else if (kind === 'int32') b.addFieldInt32(i, value, NaN);
    else if (kind === 'float32') b.addFieldFloat32(i, value, NaN);
    else if (kind === 'uint64') b.addFieldInt64(i, BigInt(value), -1n);
    else b.addFieldOffset(i, value, 0);
  });
  return b.endObject();
}

export function offsets(b: Builder, items: number[]): number {
  b.startVector(4, items.length, 4);
  for (const item of [...items].reverse()) b.addOffset(item);
  return b.endVector();
}

function int32s(b: Builder, numbers: readonly number[]): number {
  return vector(b, bytesOf(Int32Array.from(numbers)), 4, 4);
}

export function vector(b: Builder, bytes: Uint8Array, elementBytes: number, alignment: number): number {
  b.startVector(elementBytes, bytes.length / elementBytes, alignment);
  for (let i = bytes.length - 1; i >= 0; i--) b.writeInt8(bytes[i]);
  return b.endVector();
}

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
