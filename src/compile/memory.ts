// The memory of a program under construction: values, scratch memory and constants, each a buffer.
import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import { narrow } from '../formats/half.ts';
import { bufferSlack } from '../program/layout.ts';
import type { Buffer, Constant, Pointer, Program } from '../program/program.ts';
import type { Layouts } from './layouts.ts';
import type { Allocation } from './plan.ts';
import { planMemory } from './plan.ts';
import type { Storage } from './storage.ts';

/** Maximum entries of tables whose size does not come from data in the file; enough for a thousand resized images. */
const maxTableEntries = 2 ** 21;

export class Memory {
  readonly #graph: Graph;
  readonly #storage: Storage;
  readonly #buffers: Buffer[] = [];
  /** Arena buffers and their lifetimes. */
  readonly #pieces: (Allocation & { buffer: number })[] = [];
  /** The buffer of each value that owns storage. */
  readonly #rootBuffers = new Map<string, number>();
  /** Constants of the graph that are in the program unchanged. */
  readonly #uploaded = new Map<string, Pointer>();
  /** Tap tables, each once. */
  readonly #tables = new Map<string, Pointer>();
  #tableEntries = 0;

  constructor(graph: Graph, layouts: Layouts, storage: Storage) {
    this.#graph = graph;
    this.#storage = storage;
    for (const [root, { first, last }] of storage.roots) {
      this.#rootBuffers.set(root, this.#arena(4 * (layouts.floats(root) + bufferSlack), first, last));
    }
  }

  #arena(bytes: number, first: number, last: number): number {
    this.#buffers.push({ kind: 'arena', offset: 0, bytes });
    this.#pieces.push({ bytes, first, last, buffer: this.#buffers.length - 1 });
    return this.#buffers.length - 1;
  }

  /** The address `floats` from the start of a value. A constant is added unchanged. */
  at(name: string, floats = 0): Pointer {
    const data = this.constantData(name);
    if (data) {
      const pointer = this.#uploaded.get(name) ?? this.constant({ form: 'f32', data });
      this.#uploaded.set(name, pointer);
      return { buffer: pointer.buffer, offset: 4 * floats };
    }
    const place = this.#storage.place(name);
    const buffer = this.#rootBuffers.get(place.root);
    if (buffer === undefined) throw new Error(`${name} has no storage`);
    return { buffer, offset: 4 * (place.floats + floats) };
  }

  /** A constant's data as floats, or undefined when the value is computed. */
  constantData(name: string): Float32Array | undefined {
    const { data } = valueOf(this.#graph, name);
    if (!data) return undefined;
    return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
  }

  /** True when `value` lies inside `host`'s storage at that offset. */
  isPlaced(value: string, host: string, floats = 0): boolean {
    if (valueOf(this.#graph, value).data) return false;
    const a = this.#storage.place(value);
    const b = this.#storage.place(host);
    return a.root === b.root && a.floats === b.floats + floats;
  }

  /** Memory for only the node of that index. */
  scratch(bytes: number, node: number): Pointer {
    return { buffer: this.#arena(bytes + 4 * bufferSlack, node, node), offset: 0 };
  }

  /** Adds a constant, as halves if that loses nothing. */
  constant(given: Constant): Pointer {
    const data =
      given.form === 'f32' && given.data instanceof Float32Array ? { ...given, data: narrow(given.data) } : given;
    const key = data.form === 'taps' ? JSON.stringify(data.taps) : undefined;
    const known = key && this.#tables.get(key);
    if (known) return known;
    this.#buffers.push({ kind: 'constant', constant: data });
    const pointer = { buffer: this.#buffers.length - 1, offset: 0 };
    if (key) this.#tables.set(key, pointer);
    return pointer;
  }

  /** See Lowering.claimTables. */
  claimTables(entries: number): void {
    this.#tableEntries += entries;
    if (this.#tableEntries <= maxTableEntries) return;
    throw new Error(`${this.#tableEntries} entries of tables up to here, more than ${maxTableEntries}`);
  }

  /** Gives every arena buffer its offset. Buffers needed at different times share memory. */
  plan(): Pick<Program, 'buffers' | 'arenaBytes'> {
    const { offsets, bytes: arenaBytes } = planMemory(this.#pieces);
    this.#pieces.forEach(({ buffer, bytes }, i) => {
      this.#buffers[buffer] = { kind: 'arena', offset: offsets[i], bytes };
    });
    return { buffers: this.#buffers, arenaBytes };
  }
}
