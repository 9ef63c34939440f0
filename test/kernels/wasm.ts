// Calls single kernels in a separate memory and checks what they touch. One record is written as the registry lays
// it out; reads must stay within what `extents` says and the buffer holds, writes within `extents`.
import { instantiateSync } from '@assemblyscript/loader';
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { bufferSlack } from '../../src/program/layout.ts';
import type { Kernel, Table } from '../../src/program/kernel.ts';
import { kernelNames, kernels, type KernelName } from '../../src/program/kernels.ts';
import type { Instance } from '../../src/runtime/instantiate.ts';
import { withSharedMemory } from '../../src/runtime/threads/shared-memory.ts';
import { splitStep } from '../../src/runtime/threads/split.ts';

export type Build = 'simd' | 'relaxed';
export const builds: readonly Build[] = ['simd', 'relaxed'];

/** A piece of linear memory between two guard bands. */
export interface Region {
  readonly address: number;
  readonly bytes: number;
  /** What a record's pointer to it means to `extents`: the constant as saved and its largest index. */
  readonly table?: Table;
  /** Live views; valid as long as the harness lives. */
  readonly f32: Float32Array;
  readonly i32: Int32Array;
}

/** Arguments by field name; pointers are addresses (`region.address`, plus bytes). */
export type Arguments = Record<string, number>;

const guardBytes = 256;
/** A quiet NaN that no computation makes. */
const poison = 0x7fcdef01;

export class Kernels {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: Record<string, (record: number) => void>;
  #top = 4096;
  #regions: Region[] = [];
  #calls = 0;

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#exports = instantiateSync(module, { env: { memory } }).exports as unknown as Record<
      string,
      (record: number) => void
    >;
  }

  /** Forgets all regions. */
  reset(): void {
    this.#top = 4096;
    this.#regions = [];
  }

  /** `count` floats that hold `NaN`, or the given floats. */
  floats(content: number | ArrayLike<number>, table?: Table): Region {
    const count = typeof content === 'number' ? content : content.length;
    const region = this.#allocate(4 * count, table);
    if (typeof content !== 'number') region.f32.set(content);
    return region;
  }

  /** What expands constants (src/runtime/expand-constant.ts). */
  get instance(): Pick<Instance, 'memory' | 'exports'> {
    return { memory: this.#memory, exports: this.#exports as unknown as Instance['exports'] };
  }

  /** 32-bit integers, as an `i32` constant unless another table is given. */
  integers(content: ArrayLike<number>, table?: Table): Region {
    const data = Int32Array.from(content);
    const largest = Uint32Array.from(data).reduce((a, b) => Math.max(a, b), 0);
    const region = this.#allocate(4 * data.length, table ?? { constant: { form: 'i32', data }, largest });
    region.i32.set(data);
    return region;
  }

  #allocate(bytes: number, table?: Table): Region {
    const address = (this.#top + guardBytes + 63) & ~63;
    const end = address + bytes;
    if (end + guardBytes > this.#memory.buffer.byteLength) throw new Error('test memory is used up: reset()');
    new Uint32Array(this.#memory.buffer).fill(poison, this.#top >> 2, (end + guardBytes) >> 2);
    this.#top = end + guardBytes;
    const buffer = this.#memory.buffer;
    const region: Region = {
      address,
      bytes,
      table,
      f32: new Float32Array(buffer, address, bytes >> 2),
      i32: new Int32Array(buffer, address, bytes >> 2),
    };
    this.#regions.push(region);
    return region;
  }

  #regionAt(kernel: string, field: string, address: number): Region {
    const region = this.#regions.find((r) => address >= r.address && address < r.address + Math.max(r.bytes, 1));
    if (!region) throw new Error(`${kernel}: ${field} points nowhere: ${address}`);
    return region;
  }

  /** Asks the registry what the call may touch. @throws what `extents` throws, or when a pointer's buffer is too small. */
  extents(name: KernelName, args: Arguments): Record<string, number> {
    const { fields, extents } = kernels[name];
    const unknown = Object.keys(args).filter((field) => !(field in fields));
    const missing = Object.keys(fields).filter((field) => !(field in args));
    if (unknown.length || missing.length) {
      throw new Error(`${name}: unknown fields [${unknown}], missing fields [${missing}]`);
    }
    const table = (field: string): Table => {
      const found = this.#regionAt(name, field, args[field]).table;
      if (!found) throw new Error(`${name}: ${field} names no constant`);
      return found;
    };
    const touched = extents(args as never, table) as Record<string, number>;
    for (const [field, kind] of Object.entries(fields)) {
      if (kind !== 'read' && kind !== 'write') continue;
      const bytes = touched[field];
      if (!Number.isFinite(bytes)) throw new Error(`${name}: extent of ${field} is ${bytes}`);
      const region = this.#regionAt(name, field, args[field]);
      const room = region.address + region.bytes - args[field] + (kind === 'read' ? 4 * bufferSlack : 0);
      if (bytes > room) throw new Error(`${name}: ${field} may touch ${bytes} bytes, ${room} are there`);
    }
    return touched;
  }

  /**
   * Runs a kernel by name, having checked its extents; then again in shares, as threads do, last share first. What stays are
   * the shares' results.
   * @param sane false where a record may write one place twice, so that order counts
   * @param threads how many share the work: two to four in turn if not given
   * @throws when anything changed but the bytes that `extents` allows from pointers of kind `write`, or when shares compute
   * other bits than the whole.
   */
  call(name: KernelName, args: Arguments, sane = true, threads = 2 + (this.#calls++ % 3)): void {
    const touched = this.extents(name, args);
    const { fields } = kernels[name];
    const names = Object.entries(fields) as [string, string][];
    const record = (this.#top + 63) & ~63;
    const end = record + 8 + 4 * names.length + guardBytes;
    const words = new Uint32Array(this.#memory.buffer, 0, end >> 2);
    const before = words.slice();
    const run = (numbers: Arguments) => {
      const view = new DataView(this.#memory.buffer, record);
      view.setUint32(0, kernelNames.indexOf(name), true);
      view.setUint32(4, end - guardBytes - record, true);
      for (const [i, [field, kind]] of names.entries()) {
        if (kind === 'f32') view.setFloat32(8 + 4 * i, numbers[field], true);
        else view.setInt32(8 + 4 * i, numbers[field], true);
      }
      this.#exports[name](record);
      words.set(before.subarray(record >> 2), record >> 2);
    };
    const check = () => {
      const after = words.slice();
      for (const [field, kind] of names) {
        if (kind !== 'write') continue;
        const first = args[field] >> 2;
        const count = Math.ceil(touched[field] / 4);
        after.set(before.subarray(first, first + count), first);
      }
      for (let i = 0; i < words.length; i++) {
        if (after[i] !== before[i])
          throw new Error(`${name} wrote to ${this.#describe(4 * i)}: ${JSON.stringify(args)}`);
      }
    };
    run(args);
    check();
    const shares = this.shares(name, args, threads);
    if (shares.length < 2) return;
    const whole = words.slice();
    words.set(before);
    for (const numbers of shares.toReversed()) run(numbers);
    check();
    if (!sane) return;
    if ('scratch' in args)
      whole.set(words.subarray(args.scratch >> 2, (args.scratch + touched.scratch) >> 2), args.scratch >> 2);
    for (let i = 0; i < words.length; i++) {
      if (words[i] !== whole[i]) {
        throw new Error(`${name} in ${shares.length}: ${this.#describe(4 * i)} differs: ${JSON.stringify(args)}`);
      }
    }
  }

  /** The arguments of a call's shares among threads. */
  shares(name: KernelName, args: Arguments, parts: number): Arguments[] {
    const numbers: Arguments = {};
    const tables: Record<string, Table> = {};
    for (const [field, kind] of Object.entries(kernels[name].fields as Record<string, string>)) {
      if (kind !== 'read' && kind !== 'write') numbers[field] = args[field];
      else {
        const { table } = this.#regionAt(name, field, args[field]);
        if (table) tables[field] = table;
      }
    }
    const kernel = kernels[name] as unknown as Kernel;
    return splitStep({ kernel, numbers, tables, threads: parts }, parts, 0).map((share) => {
      const moved = Object.keys(args).map((field) => [field, args[field] + (share.moves[field] ?? 0)]);
      return { ...Object.fromEntries(moved), ...share.numbers };
    });
  }

  #describe(address: number): string {
    for (const region of this.#regions) {
      const offset = address - region.address;
      if (offset >= -guardBytes && offset < region.bytes + guardBytes) {
        return `float ${offset / 4} of a buffer of ${region.bytes / 4} at ${region.address}`;
      }
    }
    return `address ${address}`;
  }
}

/** The kernels of one build, in `megabytes` of memory: the relaxed ones in memory that threads could share. */
export async function loadKernels(build: Build, megabytes = 16): Promise<Kernels> {
  if (build === 'relaxed') v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  const bytes = readFileSync(new URL(`../../src/hosts/wasm/filigree-${build}.wasm`, import.meta.url));
  const isShared = build === 'relaxed';
  const module = await WebAssembly.compile(isShared ? (withSharedMemory(bytes) as BufferSource) : bytes);
  const pages = 16 * megabytes;
  return new Kernels(module, new WebAssembly.Memory({ initial: pages, maximum: pages, shared: isShared }));
}

/** A seeded source of numbers: uniform in [−scale, scale), never 0. */
export function randomFloats(seed: number): (count: number, scale?: number) => Float32Array {
  let state = seed >>> 0 || 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32;
  };
  return (count, scale = 1) => Float32Array.from({ length: count }, () => scale * (2 * next() - 1) || scale);
}

/**
 * The largest difference over the largest magnitude expected. Where a number is expected a NaN gives Infinity, and the
 * other way round; equal infinities are no difference.
 */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (Number.isFinite(e)) {
      magnitude = Math.max(magnitude, Math.abs(e));
      difference = Math.max(difference, Number.isFinite(a) ? Math.abs(a - e) : Infinity);
    } else if (!Object.is(a, e)) {
      return Infinity;
    }
  }
  return difference === 0 ? 0 : difference / magnitude;
}
