// Writes what TFLite's tools add to a model: the flatbuffer of TFLITE_METADATA (field numbers of tflite-support's
// metadata_schema.fbs) and the zip archive behind the file.
import { crc32, deflateRawSync } from 'node:zlib';
import { Builder } from 'flatbuffers';
import { bytesOf, offsets, table, vector, type Field, type Numbers } from './writer.ts';

export interface AssociatedFileSpec {
  name: string;
  /** AssociatedFileType; 2: labels of an axis. */
  type?: number;
  locale?: string;
}

export interface MetadataSpec {
  name?: string;
  description?: string;
  version?: string;
  author?: string;
  license?: string;
  /** Of the only input. */
  normalization?: { mean: Numbers; std: Numbers };
  /** One list an output. */
  outputFiles?: AssociatedFileSpec[][];
  /** Of the model. */
  files?: AssociatedFileSpec[];
}

export function writeMetadata(spec: MetadataSpec, identifier = 'M001'): Uint8Array {
  const b = new Builder(256);
  const textAt = (value: string | undefined): Field =>
    value === undefined ? undefined : ['at', b.createString(value)];
  const files = (list: readonly AssociatedFileSpec[] = []) =>
    offsets(
      b,
      list.map(({ name, type = 2, locale }) => {
        const [nameAt, localeAt] = [textAt(name), textAt(locale)];
        return table(b, [nameAt, undefined, ['int8', type], localeAt]);
      }),
    );
  const floats = (numbers: Numbers) => vector(b, bytesOf(Float32Array.from(numbers)), 4, 4);
  const inputs: number[] = [];
  if (spec.normalization) {
    const [mean, std] = [floats(spec.normalization.mean), floats(spec.normalization.std)];
    const options = table(b, [
      ['at', mean],
      ['at', std],
    ]);
    const units = offsets(b, [
      table(b, [
        ['int8', 1],
        ['at', options],
      ]),
    ]);
    inputs.push(table(b, [undefined, undefined, undefined, undefined, ['at', units]]));
  }
  const inputsAt = offsets(b, inputs);
  const outputs = (spec.outputFiles ?? []).map((list) => {
    const at = files(list);
    return table(b, [undefined, undefined, undefined, undefined, undefined, undefined, ['at', at]]);
  });
  const outputsAt = offsets(b, outputs);
  const subgraphs = offsets(b, [table(b, [undefined, undefined, ['at', inputsAt], ['at', outputsAt]])]);
  const filesAt = files(spec.files);
  const [name, description, version] = [spec.name, spec.description, spec.version].map(textAt);
  const [author, license] = [spec.author, spec.license].map(textAt);
  b.finish(table(b, [name, description, version, ['at', subgraphs], author, license, ['at', filesAt]]), identifier);
  return b.asUint8Array().slice();
}

export interface ZipEntry {
  name: string;
  data: Uint8Array | string;
  deflate?: boolean;
  /** Fields of the directory, in place of the true ones. */
  forged?: { bytes?: number; compressedBytes?: number; crc?: number; at?: number; method?: number; flags?: number };
}

/** `file` with a zip archive behind it. Offsets count from the file's start, or from the archive's. */
export function withZip(
  file: Uint8Array,
  entries: readonly ZipEntry[],
  { fromFile = true, comment = '' }: { fromFile?: boolean; comment?: string } = {},
): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = fromFile ? file.length : 0;
  for (const { name, data, deflate, forged = {} } of entries) {
    const plain = Buffer.from(data as string);
    const packed = deflate ? deflateRawSync(plain) : plain;
    const title = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(forged.flags ?? 0, 2);
    common.writeUInt16LE(forged.method ?? (deflate ? 8 : 0), 4);
    common.writeUInt32LE(forged.crc ?? crc32(plain), 10);
    common.writeUInt32LE(forged.compressedBytes ?? packed.length, 14);
    common.writeUInt32LE(forged.bytes ?? plain.length, 18);
    common.writeUInt16LE(title.length, 22);
    parts.push(Buffer.from('PK\x03\x04'), common, title, packed);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(forged.at ?? at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, rest, title);
    at += 30 + title.length + packed.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return new Uint8Array(Buffer.concat([file, ...parts, listed, end, Buffer.from(comment)]));
}
