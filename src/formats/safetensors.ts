// Reads and writes named tensors in the safetensors format: masks, groups, checkpoints.
//
//   u64 header length | JSON header: dtype, shape, data_offsets by name; `__metadata__`: strings by name | data
import { isObject } from './json-object.ts';
import { FiligreeError } from '../errors.ts';
import { elementBytes, elementCount, Tensor } from '../tensor.ts';
import type { DType, TensorData } from '../tensor.ts';

export interface TensorFile {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

const dtypes: Readonly<Record<string, DType>> = {
  F32: 'float32',
  F16: 'float16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  U16: 'uint16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};

const metadataKey = '__metadata__';

/** A stored tensor: its dtype in the header, and its numbers. */
export interface StoredTensor {
  name: string;
  dtype: string;
  shape: readonly number[];
  data: ArrayBufferView;
}

/** Writes a file. The same tensors and metadata, in the same order, give the same bytes. */
export function writeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  // the widest first, so that each is aligned
  const ordered = [...tensors].toSorted(([, a], [, b]) => elementBytes[b.dtype] - elementBytes[a.dtype]);
  const stored = ordered.map(([name, { dtype, shape, data }]): StoredTensor => {
    if (name === metadataKey) throw new FiligreeError('invalid-argument', `a tensor cannot be named "${name}"`);
    return { name, dtype: Object.keys(dtypes).find((key) => dtypes[key] === dtype)!, shape, data };
  });
  return joinSafetensors(stored, metadata);
}

/** A file of these tensors in the order listed, without gaps; data begins at a multiple of 64 bytes. */
export function joinSafetensors(tensors: readonly StoredTensor[], metadata: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = { [metadataKey]: metadata };
  let offset = 0;
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = Math.ceil((8 + text.length) / 64) * 64;
  const bytes = new Uint8Array(start + offset);
  bytes.fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  let at = start;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * @param name the file's name in errors
 * @throws FiligreeError `invalid-argument` when it is not a safetensors file, is cut off, or has an unsupported dtype
 */
export function readSafetensors(bytes: Uint8Array, name: string): TensorFile {
  const fail = (what: string) => new FiligreeError('invalid-argument', `${name}: ${what}`);
  if (bytes.length < 8) throw fail(`not a safetensors file (${bytes.length} bytes)`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = 8 + length;
  if (!(start <= bytes.length) || bytes[8] !== 0x7b) throw fail('not a safetensors file, or cut off in its header');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (error) {
    throw fail(`its header is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(header)) throw fail('its header is not a JSON object');
  const file: TensorFile = { tensors: new Map(), metadata: {} };
  let total = 0;
  for (const [key, entry] of Object.entries(header)) {
    if (!isObject(entry)) throw fail(`"${key}" is not an object`);
    if (key !== metadataKey) {
      const tensor = readTensor(bytes.subarray(start), entry, fail, key);
      file.tensors.set(key, tensor);
      total += tensor.data.byteLength;
      if (total > bytes.length) throw fail(`tensor "${key}" shares its data with others`);
      continue;
    }
    for (const [word, text] of Object.entries(entry)) {
      if (typeof text !== 'string') throw fail(`${metadataKey}.${word} is not a string`);
      file.metadata[word] = text;
    }
  }
  return file;
}

function readTensor(
  data: Uint8Array,
  { dtype: type, shape, data_offsets: offsets }: Record<string, unknown>,
  fail: (what: string) => FiligreeError,
  key: string,
): Tensor {
  const dtype = typeof type === 'string' && Object.hasOwn(dtypes, type) ? dtypes[type] : undefined;
  if (!dtype) throw fail(`tensor "${key}": dtype ${shown(type)} is not one of ${Object.keys(dtypes).join(', ')}`);
  if (!isList(shape)) throw fail(`tensor "${key}": its shape is ${shown(shape)}`);
  const bytes = elementCount(shape) * elementBytes[dtype];
  if (!isList(offsets) || offsets.length !== 2 || offsets[1] > data.length || offsets[1] - offsets[0] !== bytes) {
    const at = shown(offsets);
    throw fail(
      `tensor "${key}": ${dtype} [${shape}] needs ${bytes} bytes, is at ${at} of ${data.length}: is it cut off?`,
    );
  }
  const { data: none } = new Tensor(dtype, [0]);
  const ArrayType = none.constructor as new (buffer: ArrayBuffer) => TensorData;
  return new Tensor(
    dtype,
    shape,
    new ArrayType(Uint8Array.from(data.subarray(...(offsets as [number, number]))).buffer),
  );
}

/** A value in a message: a flat list in full; nothing that may be deeply nested. */
function shown(value: unknown): string {
  const isFlat = !Array.isArray(value) || value.every((n) => typeof n !== 'object');
  return isFlat && !isObject(value) ? String(JSON.stringify(value)) : 'not a list of sizes';
}

const isList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
