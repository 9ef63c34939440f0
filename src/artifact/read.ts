// Bytes → program. A file is untrusted input: its structure is checked here, and src/program/check.ts checks that
// kernels stay inside the program's buffers.
import { isObject } from '../formats/json-object.ts';
import { FiligreeError } from '../errors.ts';
import { elementBytes, elementCount } from '../tensor.ts';
import { blockCount, constantBytes, keptValues } from '../program/constants.ts';
import type { DType } from '../tensor.ts';
import { endpointWords, storedShape } from '../program/layout.ts';
import { fieldsOf, kernels } from '../program/kernels.ts';
import type { KernelName } from '../program/kernels.ts';
import type { FieldKind } from '../program/kernel.ts';
import type {
  Buffer,
  Constant,
  Endpoint,
  ProgramLayer,
  MatrixData,
  Pointer,
  Program,
  Scales,
  Step,
  Unread,
  WeightData,
} from '../program/program.ts';
import { largestBlock, mostRows } from '../program/spmm-stream.ts';
import { fileGrid } from '../quantisation.ts';
import { isPanel, isWinogradTile, panels, winogradTiles } from '../program/tiles.ts';
import type { ArrayTypeName, StoredArray } from './format.ts';
import { arrayTypes, formatName, formatVersion, isInteger32 } from './format.ts';

type Json = Record<string, unknown>;

const limit = 2 ** 31;

/** True when the bytes begin like a safetensors file. */
export function looksLikeArtifact(bytes: Uint8Array): boolean {
  if (bytes.length < 9 || bytes[8] !== 0x7b) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(4, true) === 0;
}

interface TensorSpan {
  readonly type: ArrayTypeName;
  /** Byte offset in the file. */
  readonly from: number;
  readonly length: number;
}

/** Contents of a safetensors file's header. */
export interface Header {
  readonly metadata: Json;
  readonly tensors: Map<string, TensorSpan>;
  /** Bytes from the file's start that hold every number to be checked before anything is placed in memory. */
  readonly needed: number;
  /** Where the last tensor ends. */
  readonly end: number;
}

/** The byte behind the header, from at least the first 8 bytes of a file. */
export const headerEnd = (bytes: Uint8Array): number =>
  8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));

const failed =
  (name: string) =>
  (what: string): never => {
    throw new FiligreeError('invalid-model', `${name}: ${what}`);
  };

/**
 * Reads an artifact.
 * @param bytes the file, or at least as much as its header needs; for tensors beyond it, the program holds their place
 * in the file
 * @throws FiligreeError `invalid-model` naming the wrong field, and the value found.
 */
export function readArtifact(bytes: Uint8Array, name: string, header = readHeader(bytes, name)): Program {
  const fail = failed(name);
  const { metadata } = header;
  if (metadata.format !== formatName) fail('a safetensors file, but not one that Filigree compiled');
  const strings = new Reader(metadata, fail, '__metadata__.');
  if (strings.text('version') !== String(formatVersion)) {
    fail(`artifact version ${strings.text('version')}; this runtime reads ${formatVersion}: compile the model again`);
  }
  const json = parse(strings.text('program'), 'program', fail);
  const read = new Reader(json, fail);
  const program: Program = {
    name: read.text('name'),
    buffers: [],
    arenaBytes: read.size('arenaBytes'),
    naiveArenaBytes: read.integer('naiveArenaBytes', Number.MAX_SAFE_INTEGER),
    steps: [],
    layers: [],
    inputs: [],
    outputs: [],
    notes: read.texts('notes'),
    metadata: read.object('metadata'),
  };
  program.buffers = read.objects('buffers').map((r) => readBuffer(r, header, bytes, program.arenaBytes));
  program.layers = read.objects('layers').map(readLayer);
  program.steps = read.list('steps').map((step, i) => readStep(step, i, program, fail));
  program.inputs = read.objects('inputs').map((r) => readEndpoint(r, program, false));
  program.outputs = read.objects('outputs').map((r) => readEndpoint(r, program, true));
  return program;
}

/** Checked access to a JSON object; errors name the path. */
class Reader {
  readonly json: Json;
  readonly fail: (what: string) => never;
  readonly path: string;

  constructor(json: Json, fail: (what: string) => never, path = '') {
    this.json = json;
    this.fail = fail;
    this.path = path;
  }
  bad(key: string, wanted: string): never {
    return this.fail(`${this.path}${key} is ${describe(this.json[key])}, should be ${wanted}`);
  }
  text(key: string): string {
    const value = this.json[key];
    return typeof value === 'string' ? value : this.bad(key, 'a string');
  }
  integer(key: string, max = limit): number {
    const value = this.json[key];
    return isInteger(value, max) ? value : this.bad(key, `an integer 0…${max}`);
  }
  size(key: string): number {
    return this.integer(key);
  }
  list(key: string): unknown[] {
    const value = this.json[key];
    return Array.isArray(value) ? value : this.bad(key, 'a list');
  }
  texts(key: string): string[] {
    const value = this.list(key);
    return value.every((v) => typeof v === 'string') ? value : this.bad(key, 'a list of strings');
  }
  object(key: string): Json {
    const value = this.json[key];
    return isObject(value) ? value : this.bad(key, 'an object');
  }
  integers(key: string, length?: number): number[] {
    const value = this.list(key);
    if (length !== undefined && value.length !== length) this.bad(key, `a list of ${length}`);
    return value.every((v): v is number => isInteger(v, limit)) ? value : this.bad(key, 'a list of integers');
  }
  objects(key: string): Reader[] {
    return this.list(key).map((item, i) => {
      if (!isObject(item)) return this.bad(key, 'a list of objects');
      return new Reader(item, this.fail, `${this.path}${key}[${i}].`);
    });
  }
}

/** Describes a JSON value in a message, without walking through it. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  return JSON.stringify(value).slice(0, 60);
}

const isInteger = (value: unknown, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;

function parse(text: string, what: string, fail: (what: string) => never): Json {
  try {
    const json: unknown = JSON.parse(text);
    if (isObject(json)) return json;
  } catch (error) {
    fail(`the ${what} is not JSON: ${(error as Error).message}`);
  }
  return fail(`the ${what} is not a JSON object`);
}

/**
 * Reads the header of a file of `size` bytes.
 * @throws FiligreeError `invalid-model` when there is no header, or it places a tensor outside the file
 */
export function readHeader(bytes: Uint8Array, name: string, size = bytes.length): Header {
  const fail = failed(name);
  if (bytes.length < 8) fail(`${bytes.length} bytes are too few for a model`);
  const start = headerEnd(bytes);
  if (start > size) fail(`truncated: the header ends at byte ${start}, the file at ${size}`);
  const header = parse(new TextDecoder().decode(bytes.subarray(8, start)), 'header', fail);
  const metadata = header.__metadata__;
  if (!isObject(metadata)) return fail('no __metadata__ in the header');
  const tensors = new Map<string, TensorSpan>();
  let listed = start;
  let needed = start;
  let end = start;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    if (!isObject(entry)) return fail(`tensor "${name}" is ${describe(entry)}, should be an object`);
    const { dtype, shape, data_offsets: offsets } = entry;
    const read = () => new Reader(entry, fail, `tensor "${name}".`); // made lazily: most tensors are valid
    const type = dtype as ArrayTypeName;
    if (typeof dtype !== 'string' || !Object.hasOwn(arrayTypes, type)) {
      return read().bad('dtype', `one of ${Object.keys(arrayTypes)}`);
    }
    const [from, to] = isPlace(offsets, 2) ? offsets : read().integers('data_offsets', 2);
    const [length] = isPlace(shape, 1) ? shape : read().integers('shape', 1);
    const width = arrayTypes[type].BYTES_PER_ELEMENT;
    if (to - from !== length * width) read().bad('data_offsets', `${length * width} bytes apart`);
    if (start + to > size) fail(`truncated: tensor "${name}".data ends at byte ${start + to}, the file at ${size}`);
    listed += to - from;
    if (listed > size) read().bad('data_offsets', 'apart from those of other tensors');
    if (isInteger32(type)) needed = Math.max(needed, start + to);
    end = Math.max(end, start + to);
    tensors.set(name, { type, from: start + from, length });
  }
  return { metadata, tensors, needed, end };
}

/** Maximum length of a header: safetensors sets this limit. */
const maxHeaderBytes = 100e6;

/** The end of an artifact, from its first bytes, or of its header while that is not complete; 0 when they are not one. */
export function artifactEnd(bytes: Uint8Array, name: string): { bytes: number; isEnd: boolean } {
  if (!looksLikeArtifact(bytes)) return { bytes: 0, isEnd: false };
  const end = headerEnd(bytes);
  if (end > bytes.length) return { bytes: Math.min(end, maxHeaderBytes), isEnd: false };
  return { bytes: readHeader(bytes, name, Infinity).end, isEnd: true };
}

function isPlace(value: unknown, length: number): value is number[] {
  if (!Array.isArray(value) || value.length !== length) return false;
  for (let i = 0; i < length; i++) if (!isInteger(value[i], limit)) return false;
  return true;
}

/** A tensor's numbers: a view if alignment allows, else a copy; only their place when they lie behind the bytes. */
function numbersOf({ type, from, length }: TensorSpan, bytes: Uint8Array): StoredArray | Unread {
  const ArrayType = arrayTypes[type];
  const { BYTES_PER_ELEMENT } = ArrayType;
  const byteLength = length * BYTES_PER_ELEMENT;
  if (from + byteLength > bytes.length) return { from, length, byteLength, BYTES_PER_ELEMENT };
  const at = bytes.byteOffset + from;
  if (at % BYTES_PER_ELEMENT === 0) return new ArrayType(bytes.buffer as ArrayBuffer, at, length);
  return new ArrayType(Uint8Array.from(bytes.subarray(from, from + byteLength)).buffer); // a Buffer's slice() is a view
}

function readBuffer(read: Reader, header: Header, bytes: Uint8Array, arenaBytes: number): Buffer {
  if ('arena' in read.json) {
    const [offset, length] = [read.size('arena'), read.size('bytes')];
    if (offset % 16) read.bad('arena', 'a multiple of 16');
    if (offset + length > arenaBytes) read.bad('bytes', `inside the arena of ${arenaBytes}`);
    return { kind: 'arena', offset, bytes: length };
  }
  return { kind: 'constant', constant: readConstant(read, header.tensors, bytes) };
}

function readConstant(read: Reader, tensors: Map<string, TensorSpan>, bytes: Uint8Array): Constant {
  const tensor = (key: string, length: number | undefined, ...types: ArrayTypeName[]): StoredArray | Unread => {
    const found = tensors.get(read.text(key));
    if (!found) return read.bad(key, 'the name of a tensor that nothing else uses');
    if (!types.includes(found.type)) return read.bad(key, `a tensor of ${types}`);
    if (length !== undefined && found.length !== length) {
      return read.bad(key, `a tensor of ${length} elements, not ${found.length}`);
    }
    // a tensor is used once, so that the expanded program is not much larger than its file
    tensors.delete(read.text(key));
    const numbers = numbersOf(found, bytes);
    if (isInteger32(found.type) && !ArrayBuffer.isView(numbers)) return read.bad(key, 'in the part that has been read');
    return numbers;
  };
  const weights = (key: string, length?: number) => tensor(key, length, 'F32', 'F16') as WeightData;
  const bias = (rows: number) => (read.json.bias === null ? null : weights('bias', rows));
  /** A matrix's n values: floats, or integers with their factors. */
  const matrix = (rows: number, n: number): { values: MatrixData } & Scales => {
    const { scales, blocks } = read.json;
    if (scales === undefined) return { values: weights('values', n) };
    const numbers = (key: string, length: number, type: ArrayTypeName) =>
      tensor(key, length, type) as Int8Array | Uint8Array | Unread;
    if (blocks === undefined) return { values: numbers('values', n, 'I8'), scales: weights('scales', rows) };
    const all = Math.ceil(n / 16);
    const nibbles = numbers('values', 8 * all, 'U8');
    return {
      values: nibbles,
      scales: weights('scales', rows),
      blocks: numbers('blocks', all, 'U8') as Uint8Array | Unread,
    };
  };
  const form = read.text('form');
  if (form === 'f32') return { form, data: weights('data') };
  if (form === 'i32') return { form, data: tensor('data', undefined, 'I32') as Int32Array };
  if (form === 'taps') {
    const n = read.integers('taps', 10);
    if (n.slice(0, 7).some((v) => v === 0)) read.bad('taps', 'a geometry without zeros');
    return {
      form,
      taps: {
        channels: n[0],
        kernel: [n[1], n[2]],
        stride: [n[3], n[4]],
        dilation: [n[5], n[6]],
        channelBytes: n[7],
        phaseBytes: n[8],
        rowBytes: n[9],
      },
    };
  }
  const rows = read.integer('rows') || read.bad('rows', 'positive');
  const columns = read.integer('columns') || read.bad('columns', 'positive');
  if (form === 'gemm') {
    const panel = read.integer('panel');
    if (!isPanel(panel)) return read.bad('panel', panels.join(' or '));
    const values = matrix(rows, panel * (columns + 1) * Math.ceil(rows / panel));
    const apart = values.scales && read.json.bias !== undefined;
    const bias = apart ? { bias: weights('bias', rows) } : {};
    if (read.json.winograd === undefined) return { form, rows, columns, panel, ...values, ...bias };
    const winograd = read.integer('winograd');
    if (!isWinogradTile(winograd)) return read.bad('winograd', winogradTiles.join(' or '));
    if (panel !== 4 || columns % 9) read.bad('winograd', 'absent unless weights are 3×3, in panels of 4');
    return { form, rows, columns, panel, ...values, ...bias, winograd };
  }
  if (form === 'spmm') {
    const group = read.integer('group');
    if (group !== 1 && group !== 2 && group !== 4) read.bad('group', '1, 2 or 4');
    const full = Math.floor(rows / group);
    const counts = tensor('counts', full + (rows % group), 'U32') as Uint32Array;
    const kept = keptValues(rows, group, counts);
    const gaps = tensor('gaps', undefined, 'U8') as Uint8Array | Unread;
    const block = read.integer('block');
    if (block > largestBlock) read.bad('block', `at most ${largestBlock}`);
    if (block > 0 && rows > mostRows) read.bad('rows', `at most ${mostRows}`);
    const shape = { form, rows, columns, group, block, counts, gaps, taps: read.integer('taps') } as const;
    return { ...shape, ...matrix(rows, kept), bias: bias(rows) };
  }
  if (form === 'blocks') {
    const group = read.integer('group');
    if (group !== 1 && group !== 2 && group !== 4) read.bad('group', '1, 2 or 4');
    const bits = read.integer('bits');
    if (bits !== 7 && bits !== 8) return read.bad('bits', '7 or 8');
    const filled = 4 * Math.ceil(rows / 4);
    const counts = read.json.counts === null ? null : (tensor('counts', filled / group, 'U32') as Uint32Array);
    const shape = { form, rows, columns, group, bits, counts, taps: read.integer('taps') } as const;
    return {
      ...shape,
      gaps: counts && (tensor('gaps', undefined, 'U8') as Uint8Array | Unread),
      values: tensor('values', 4 * group * blockCount(shape), 'I8') as Int8Array | Unread,
      scales: tensor('scales', filled, 'F32') as Float32Array | Unread,
      bias: tensor('bias', filled, 'I32') as Int32Array | Unread,
    };
  }
  if (form === 'quantised') {
    const bits = read.integer('bits');
    if (bits !== 4 && bits !== 8) return read.bad('bits', '4 or 8');
    const groups = Math.ceil(columns / 16);
    if (groups > 65536) read.bad('columns', 'at most 2²⁰'); // kernels hold the group's number in 16 bits
    const counts = read.json.counts === null ? null : (tensor('counts', rows, 'U32') as Uint32Array);
    const kept = counts ? counts.reduce((sum, count) => sum + count, 0) : rows * groups;
    return {
      form,
      rows,
      columns,
      bits,
      counts,
      gaps: counts && (tensor('gaps', undefined, 'U8') as Uint8Array | Unread),
      values: tensor('values', kept * 2 * bits, 'U8') as Uint8Array | Unread,
      scales: weights('scales', bits === 8 ? rows : kept),
      bias: bias(rows),
    };
  }
  return read.bad('form', 'f32, i32, taps, gemm, spmm, blocks or quantised');
}

function readLayer(read: Reader): ProgramLayer {
  const sparsity = read.json.sparsity;
  return {
    name: read.text('name'),
    op: read.text('op'),
    shape: read.integers('shape'),
    macs: read.integer('macs', Number.MAX_SAFE_INTEGER),
    effectiveMacs: read.integer('effectiveMacs', Number.MAX_SAFE_INTEGER),
    ...(typeof sparsity === 'number' ? { sparsity } : {}),
  };
}

function readPointer(buffer: unknown, offset: unknown, program: Program): Pointer | undefined {
  if (!isInteger(buffer, program.buffers.length - 1) || !isInteger(offset, limit)) return undefined;
  return { buffer, offset };
}

function readStep(json: unknown, index: number, program: Program, fail: (what: string) => never): Step {
  if (!Array.isArray(json)) return fail(`steps[${index}] is not a list`);
  const [kernel, layer] = json as [KernelName, unknown];
  if (typeof kernel !== 'string' || !Object.hasOwn(kernels, kernel)) {
    return fail(`steps[${index}]: no kernel named ${describe(kernel)}`);
  }
  if (!isInteger(layer, program.layers.length - 1))
    return fail(`steps[${index}] (${kernel}): no layer ${describe(layer)}`);
  const step: Step = { kernel, layer, arguments: {} };
  let at = 2;
  for (const [field, kind] of fieldsOf(kernel)) {
    const found = json[at++] as unknown;
    const value =
      kind === 'read' || kind === 'write' ? readPointer(found, json[at++], program) : readNumber(found, kind);
    if (value === undefined) return fail(`steps[${index}] (${kernel}): ${field} is ${describe(found)}`);
    step.arguments[field] = value;
  }
  if (at !== json.length) fail(`steps[${index}] (${kernel}): ${json.length - 2} numbers, should be ${at - 2}`);
  return step;
}

function readNumber(value: unknown, kind: FieldKind): number | undefined {
  if (kind === 'f32') {
    if (value === 'inf' || value === '-inf') return value === 'inf' ? Infinity : -Infinity;
    return typeof value === 'number' ? value : undefined;
  }
  if (!Number.isInteger(value)) return undefined;
  const n = value as number;
  return kind === 'u32' ? (n >= 0 && n < 2 ** 32 ? n : undefined) : n >= -limit && n < limit ? n : undefined;
}

function readEndpoint(read: Reader, program: Program, mayBeConstant: boolean): Endpoint {
  const dtype = read.text('dtype') as DType;
  if (!Object.hasOwn(elementBytes, dtype)) read.bad('dtype', `one of ${Object.keys(elementBytes)}`);
  const shape = read.integers('shape');
  const strides = read.integers('strides', shape.length);
  const [buffer, offset] = read.list('at');
  const at = readPointer(buffer, offset, program) ?? read.bad('at', 'a buffer and an offset');
  const bytes = endpointBytes(program.buffers[at.buffer], mayBeConstant);
  const quads = read.json.quads === undefined ? undefined : readQuads(read, shape, strides, mayBeConstant);
  const stored = { shape, strides, ...(quads ? { quads } : {}) };
  const words = endpointWords(stored);
  if (shape.includes(0) || at.offset % 4 || at.offset + 4 * words > bytes) {
    read.bad('at', `inside a buffer of activations${mayBeConstant ? ' or an f32 constant' : ''}`);
  }
  if (elementCount(storedShape(stored)) > words) read.bad('strides', 'strides without overlapping elements');
  const quantization = read.json.quantization === undefined ? undefined : readQuantization(read);
  if (quads && !(quantization && fileGrid(dtype, quantization))) {
    read.bad('quads', 'of an input of int8 or uint8 with a scale and a zero point among its bytes');
  }
  return {
    name: read.text('name'),
    dtype,
    ...stored,
    at,
    ...(quantization ? { quantization } : {}),
  };
}

/** The axis of channels of an input in quads, whose planes have rows without gaps. */
function readQuads(read: Reader, shape: readonly number[], strides: readonly number[], isOutput: boolean): 1 | 3 {
  const { quads } = read.json;
  const row = quads === 1 ? 2 : 1;
  const isPlanes = strides[row + 1] === 1 && strides[row] === shape[row + 1];
  if ((quads === 1 || quads === 3) && shape.length === 4 && isPlanes && !isOutput) return quads;
  return read.bad('quads', 'axis 1 or 3 of an input of four axes, whose planes have no gaps');
}

/** Bytes of a buffer that an endpoint may use; 0 when it may not lie there. */
function endpointBytes(buffer: Buffer, mayBeConstant: boolean): number {
  if (buffer.kind === 'arena') return buffer.bytes;
  return mayBeConstant && buffer.constant.form === 'f32' ? constantBytes(buffer.constant) : 0;
}

function readQuantization(read: Reader): { scale: number; zeroPoint: number } {
  const { scale, zeroPoint } = read.object('quantization');
  if (typeof scale === 'number' && typeof zeroPoint === 'number') return { scale, zeroPoint };
  return read.bad('quantization', 'a scale and a zero point');
}
