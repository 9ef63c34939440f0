// Raw kernels, for benchmarks and for experiments with a single kernel.
import type { WasmMemory } from './runtime/host-types.ts';
import { programBase, chooseBuild, instantiate } from './runtime/instantiate.ts';
import type { WasmExports, WasmProvider } from './runtime/instantiate.ts';
import type { WasmBuild } from './runtime/probe.ts';
import { recordBytes, writeRecord } from './runtime/record.ts';
import type { KernelName } from './program/kernels.ts';

export { kernelNames, kernels } from './program/kernels.ts';
export type { KernelName } from './program/kernels.ts';

/** An instance of the kernels with its own memory. Nothing is checked. Addresses are bytes in `memory`. */
export class RawKernels {
  readonly memory: WasmMemory;
  readonly exports: WasmExports;
  readonly build: WasmBuild;
  #top = programBase;

  constructor(memory: WasmMemory, exports: WasmExports, build: WasmBuild) {
    this.memory = memory;
    this.exports = exports;
    this.build = build;
  }

  /** Allocates `bytes` bytes, 64-byte aligned, with 64 bytes of slack after them. The memory grows. @returns the address */
  allocate(bytes: number): number {
    const address = this.#top;
    this.#top = (address + bytes + 127) & ~63;
    const missing = this.#top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    return address;
  }

  /** Floats at an address. The view is invalid once the memory has grown. */
  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, count);
  }

  /** Frees all allocations. */
  reset(): void {
    this.#top = programBase;
  }

  /** Writes a record and returns a function that runs it. Arguments go by field name; pointers are addresses. */
  record(name: KernelName, args: Record<string, number>): () => void {
    const address = this.allocate(recordBytes(name));
    writeRecord(this.memory, address, name, (field) => {
      if (args[field] === undefined) throw new Error(`${name}: no argument ${field}`);
      return args[field];
    });
    const run = this.exports[name];
    return () => run(address);
  }
}

/** Instantiates the kernels of a build. Default: the best build that the host can run. */
export async function createKernels(options: { build?: WasmBuild; wasm?: WasmProvider } = {}): Promise<RawKernels> {
  const { memory, exports, build } = await instantiate(
    programBase,
    chooseBuild(options.build, options.wasm),
    options.wasm,
  );
  return new RawKernels(memory, exports, build);
}
