// Reads untrusted protobuf messages. The pbf library reads on past the end of its bytes, so this file checks that every
// value lies inside its message. It allocates nothing before it knows that the bytes are there.
import { PbfReader } from 'pbf';
import { FiligreeError } from '../../errors.ts';

const wireTypes: Record<number, string> = { 0: 'varint', 1: 'fixed64', 2: 'bytes', 5: 'fixed32' };
const [varint, fixed64, lengthDelimited, fixed32] = [0, 1, 2, 5];

/** Walks the fields of one message: `while (message.next()) switch (message.field) { … }`. */
export class Message {
  /** Its place in the file, for errors: `model.onnx: node 3`. */
  readonly path: string;
  /** Number of the field that `next` arrived at. */
  field = 0;
  private type = 0;
  private isUnread = false;
  private readonly pbf: PbfReader;

  constructor(bytes: Uint8Array, path: string) {
    this.pbf = new PbfReader(bytes);
    this.path = path;
  }

  /** Moves to the next field; an unread one is skipped. False at the end. */
  next(): boolean {
    if (this.isUnread) this.guarded(() => this.pbf.skip(this.type));
    if (this.pbf.pos >= this.pbf.length) return false;
    const tag = this.guarded(() => this.pbf.readVarint());
    this.field = Math.floor(tag / 8);
    this.type = tag % 8;
    if (this.field < 1 || this.field >= 2 ** 29 || wireTypes[this.type] === undefined) {
      this.fail(`bytes that are not a protobuf field (tag ${tag}) ${this.where()}`);
    }
    this.isUnread = true;
    return true;
  }

  /** A signed integer, exact up to 2⁵³. */
  int(): number {
    this.want(varint);
    return this.guarded(() => this.pbf.readVarint(true));
  }

  float(): number {
    this.want(fixed32);
    return this.guarded(() => this.pbf.readFloat());
  }

  bytes(): Uint8Array {
    this.want(lengthDelimited);
    return this.guarded(() => this.pbf.readBytes());
  }

  string(): string {
    this.want(lengthDelimited);
    return this.guarded(() => this.pbf.readString());
  }

  /** A message inside this one. */
  message(title: string): Message {
    return new Message(this.bytes(), `${this.path}: ${title}`);
  }

  /** A repeated integer field, packed or not: appends to the list. */
  ints(list: number[]): void {
    if (this.type === varint) {
      list.push(this.int());
      return;
    }
    const packed = new Message(this.bytes(), this.path);
    while (packed.pbf.pos < packed.pbf.length) list.push(packed.guarded(() => packed.pbf.readVarint(true)));
  }

  /** A repeated float field, packed or not: appends to the list. */
  floats(list: number[]): void {
    if (this.type === fixed32) list.push(this.float());
    else this.each(4, (view, at) => list.push(view.getFloat32(at, true)));
  }

  /** A repeated double field, packed or not: appends to the list. */
  doubles(list: number[]): void {
    if (this.type === fixed64) list.push(this.guarded(() => this.pbf.readDouble()));
    else this.each(8, (view, at) => list.push(view.getFloat64(at, true)));
  }

  fail(message: string): never {
    throw new FiligreeError('invalid-model', `${this.path}: ${message}`);
  }

  private each(size: number, read: (view: DataView, at: number) => void): void {
    const bytes = this.bytes();
    if (bytes.length % size !== 0) this.fail(`field ${this.field} packs ${bytes.length} bytes, no multiple of ${size}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at += size) read(view, at);
  }

  private want(type: number): void {
    if (this.type !== type) {
      this.fail(`field ${this.field} is stored as ${wireTypes[this.type]}, must be ${wireTypes[type]}`);
    }
  }

  /** Runs one read of the library; it must end inside the message. */
  private guarded<T>(read: () => T): T {
    this.isUnread = false;
    const start = this.pbf.pos;
    let value: T | undefined;
    try {
      value = read();
    } catch {
      this.pbf.pos = Infinity;
    }
    if (this.pbf.pos > this.pbf.length) {
      this.pbf.pos = start;
      this.fail(`ends early or is damaged: a value ${this.where()}`);
    }
    return value as T;
  }

  private where(): string {
    return `at byte ${this.pbf.pos} of ${this.pbf.length}`;
  }
}
