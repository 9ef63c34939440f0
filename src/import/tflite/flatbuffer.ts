// Reads untrusted FlatBuffers. The flatbuffers library reads whatever lies at an offset, or undefined past the end. This
// file checks that every table, vtable, vector and string lies inside the file before it is read.
import { ByteBuffer } from 'flatbuffers';
import { FiligreeError } from '../../errors.ts';

/** The file, and how much of it may still be read. The allowance bounds the cost of a small file whose tables share bytes. */
export class FlatFile {
  readonly bytes: Uint8Array;
  readonly buffer: ByteBuffer;
  readonly name: string;
  private allowance: number;

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes;
    this.buffer = new ByteBuffer(bytes);
    this.name = name;
    this.allowance = 16 * bytes.length + 65536;
  }

  fail(path: string, message: string): never {
    throw new FiligreeError('invalid-model', `${this.name}: ${path ? `${path}: ` : ''}${message}`);
  }

  /** Throws unless `length` bytes from `position` lie inside the file. */
  require(position: number, length: number, path: string, what: string): void {
    if (position < 0 || position + length > this.bytes.length) {
      this.fail(
        path,
        `${what} at byte ${position} (${length} bytes) lies outside the file's ${this.bytes.length} bytes`,
      );
    }
    this.allowance -= length;
    if (this.allowance < 0) this.fail(path, 'tables overlap so often that this cannot be a model');
  }

  root(path: string): FlatTable {
    this.require(0, 4, path, 'the root offset');
    return new FlatTable(this, this.buffer.readUint32(0), path);
  }
}

/** One table, with fields by their number in the schema. Absent fields give the default. */
export class FlatTable {
  readonly file: FlatFile;
  /** Its place in the file, for messages: `tensor 12`. */
  readonly path: string;
  private readonly position: number;
  private readonly vtable: number = 0;
  private readonly vtableBytes: number = 0;
  private readonly tableBytes: number = 0;

  /** A position of −1 makes a table without fields. */
  constructor(file: FlatFile, position: number, path: string) {
    this.file = file;
    this.path = path;
    this.position = position;
    if (position === -1) return;
    const { buffer } = file;
    file.require(position, 4, path, 'a table');
    this.vtable = position - buffer.readInt32(position);
    file.require(this.vtable, 4, path, 'a vtable');
    this.vtableBytes = buffer.readUint16(this.vtable);
    this.tableBytes = buffer.readUint16(this.vtable + 2);
    if (this.vtableBytes < 4 || this.tableBytes < 4) file.fail(path, `a vtable of ${this.vtableBytes} bytes`);
    file.require(this.vtable, this.vtableBytes, path, 'a vtable');
    file.require(position, this.tableBytes, path, 'a table');
  }

  /** Byte position of a field of `bytes` bytes, or 0 when the file leaves it out. */
  private field(field: number, bytes: number): number {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.vtableBytes) return 0;
    const offset = this.file.buffer.readUint16(this.vtable + entry);
    if (offset === 0) return 0;
    if (offset < 4 || offset + bytes > this.tableBytes) {
      this.file.fail(this.path, `field ${field} lies ${offset} bytes into a table of ${this.tableBytes} bytes`);
    }
    return this.position + offset;
  }

  int8(field: number, absent = 0): number {
    const at = this.field(field, 1);
    return at ? this.file.buffer.readInt8(at) : absent;
  }

  uint8(field: number, absent = 0): number {
    const at = this.field(field, 1);
    return at ? this.file.buffer.readUint8(at) : absent;
  }

  bool(field: number, absent = false): boolean {
    return this.uint8(field, absent ? 1 : 0) !== 0;
  }

  int32(field: number, absent = 0): number {
    const at = this.field(field, 4);
    return at ? this.file.buffer.readInt32(at) : absent;
  }

  uint32(field: number, absent = 0): number {
    const at = this.field(field, 4);
    return at ? this.file.buffer.readUint32(at) : absent;
  }

  float32(field: number, absent = 0): number {
    const at = this.field(field, 4);
    return at ? this.file.buffer.readFloat32(at) : absent;
  }

  uint64(field: number): number {
    const at = this.field(field, 8);
    return at ? Number(this.file.buffer.readUint64(at)) : 0;
  }

  /** The table that a field points to; `label` is its place, for messages. */
  table(field: number, label: string): FlatTable | undefined {
    const at = this.field(field, 4);
    return at ? new FlatTable(this.file, at + this.file.buffer.readUint32(at), this.join(label)) : undefined;
  }

  /** Tables of a vector; `label` names one: `tensor` gives `tensor 12`. */
  tables(field: number, label: string): FlatTable[] {
    const vector = this.vector(field, 4, label);
    if (!vector) return [];
    return Array.from({ length: vector.length }, (_, i) => {
      const at = vector.start + 4 * i;
      return new FlatTable(this.file, at + this.file.buffer.readUint32(at), this.join(`${label} ${i}`));
    });
  }

  string(field: number, label: string): string {
    const vector = this.vector(field, 1, label);
    if (!vector) return '';
    return new TextDecoder().decode(this.file.bytes.subarray(vector.start, vector.start + vector.length));
  }

  /** Start and length (in numbers) of a vector of numbers. */
  vector(field: number, elementBytes: number, label: string): { start: number; length: number } | undefined {
    const at = this.field(field, 4);
    if (!at) return undefined;
    const { file } = this;
    const start = at + file.buffer.readUint32(at);
    const path = this.join(label);
    file.require(start, 4, path, 'a vector');
    const length = file.buffer.readUint32(start);
    file.require(start + 4, length * elementBytes, path, `a vector of ${length}`);
    return { start: start + 4, length };
  }

  bytes(field: number, label: string): Uint8Array {
    const vector = this.vector(field, 1, label);
    return vector ? this.file.bytes.subarray(vector.start, vector.start + vector.length) : new Uint8Array(0);
  }

  int32s(field: number, label: string): number[] {
    return this.numbers(field, 4, label, (at) => this.file.buffer.readInt32(at));
  }

  uint16s(field: number, label: string): number[] {
    return this.numbers(field, 2, label, (at) => this.file.buffer.readUint16(at));
  }

  float32s(field: number, label: string): number[] {
    return this.numbers(field, 4, label, (at) => this.file.buffer.readFloat32(at));
  }

  int64s(field: number, label: string): number[] {
    return this.numbers(field, 8, label, (at) => Number(this.file.buffer.readInt64(at)));
  }

  private numbers(field: number, bytes: number, label: string, read: (at: number) => number): number[] {
    const vector = this.vector(field, bytes, label);
    if (!vector) return [];
    return Array.from({ length: vector.length }, (_, i) => read(vector.start + bytes * i));
  }

  private join(label: string): string {
    return this.path ? `${this.path}, ${label}` : label;
  }
}
