// Reads the zip archive of label files that TFLite's tools append to a model. It supports the part of PKWARE's APPNOTE.TXT
// that they write: stored and deflated entries of one archive without encryption or 64-bit sizes. The file is untrusted:
// every offset is checked, and no entry inflates to more than it declares or its reader allows.
import { Inflate } from 'fflate';

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const entryBytes = 46;
const localBytes = 30;
const longestComment = 65535;
const maxEntries = 1024;
/** Compressed bytes to inflate at a time. At most 1032 times as many come out before their number is checked. */
const inflateStep = 4096;

interface Entry {
  method: number;
  crc: number;
  compressedBytes: number;
  bytes: number;
  /** Position of its local header. */
  at: number;
}

/** The archive at the end of a file. */
export class ZipArchive {
  private readonly file: Uint8Array;
  private readonly view: DataView;
  private readonly entries = new Map<string, Entry>();
  private readonly directoryAt: number = 0;

  /**
   * A file without an archive at its end gives an archive without entries.
   * @throws Error when the archive cannot be read
   */
  constructor(file: Uint8Array) {
    this.file = file;
    this.view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const end = this.endRecord();
    if (end === undefined) return;
    const { view } = this;
    const count = view.getUint16(end + 10, true);
    const directoryBytes = view.getUint32(end + 12, true);
    if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count) {
      throw new Error('the archive is one of several disks');
    }
    if (count > maxEntries) throw new Error(`the archive has ${count} entries; at most ${maxEntries} are read`);
    // Offsets count from the archive's start, or from the file's when the archive was appended in place.
    const start = end - directoryBytes - view.getUint32(end + 16, true);
    this.directoryAt = end - directoryBytes;
    if (start < 0) throw new Error(`the archive's directory (${directoryBytes} bytes) lies outside of the file`);
    let at = this.directoryAt;
    for (let i = 0; i < count; i++) at = this.readEntry(at, end, start);
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  /**
   * The data of an entry; undefined when there is none by that name.
   * @throws Error when it is damaged, or larger than `maxBytes`
   */
  read(name: string, maxBytes: number): Uint8Array | undefined {
    const entry = this.entries.get(name);
    if (!entry) return undefined;
    const fail = (message: string): never => {
      throw new Error(`${JSON.stringify(name)}: ${message}`);
    };
    const { method, bytes, compressedBytes, crc, at } = entry;
    if (bytes > maxBytes || compressedBytes > maxBytes) {
      fail(`${Math.max(bytes, compressedBytes)} bytes; at most ${maxBytes} are read`);
    }
    if (at + localBytes > this.directoryAt || this.view.getUint32(at, true) !== localSignature) {
      fail(`no entry begins at byte ${at}`);
    }
    const start = at + localBytes + this.view.getUint16(at + 26, true) + this.view.getUint16(at + 28, true);
    if (start + compressedBytes > this.directoryAt) fail('its data runs into the directory');
    const stored = this.file.subarray(start, start + compressedBytes);
    if (method !== 0 && method !== 8) fail(`compression method ${method}; stored and deflated entries are read`);
    const data = method === 0 ? stored : inflate(stored, bytes, fail);
    if (data.length !== bytes) fail(`${data.length} bytes; the directory says ${bytes}`);
    if (crc32(data) !== crc) fail('its checksum is wrong');
    return data;
  }

  /** Position of the end record: the last one whose comment ends with the file. */
  private endRecord(): number | undefined {
    const { length } = this.file;
    for (let at = length - endBytes; at >= Math.max(0, length - endBytes - longestComment); at--) {
      if (this.view.getUint32(at, true) !== endSignature) continue;
      if (at + endBytes + this.view.getUint16(at + 20, true) === length) return at;
    }
    return undefined;
  }

  private readEntry(at: number, end: number, start: number): number {
    const { view } = this;
    if (at + entryBytes > end || view.getUint32(at, true) !== entrySignature) {
      throw new Error(`the archive's directory has no entry at byte ${at}`);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const next = at + entryBytes + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw new Error(`the directory entry at byte ${at} runs out of the directory`);
    const name = new TextDecoder().decode(this.file.subarray(at + entryBytes, at + entryBytes + nameBytes));
    if (view.getUint16(at + 8, true) & 1) throw new Error(`${JSON.stringify(name)} is encrypted`);
    this.entries.set(name, {
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      at: start + view.getUint32(at + 42, true),
    });
    return next;
  }
}

function inflate(compressed: Uint8Array, bytes: number, fail: (message: string) => never): Uint8Array {
  const data = new Uint8Array(bytes);
  let length = 0;
  const inflater = new Inflate((chunk) => {
    if (length + chunk.length > bytes) fail(`it inflates to more than the ${bytes} bytes that the directory says`);
    data.set(chunk, length);
    length += chunk.length;
  });
  for (let at = 0; at < compressed.length || at === 0; at += inflateStep) {
    const last = at + inflateStep >= compressed.length;
    inflater.push(compressed.subarray(at, at + inflateStep), last);
  }
  return data.subarray(0, length);
}

/** CRC-32 of IEEE 802.3, bits reflected. */
function crc32(data: Uint8Array): number {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
