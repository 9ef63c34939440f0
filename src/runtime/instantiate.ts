import { FiligreeError } from '../errors.ts';
import type { WasmMemory, WasmModule } from './host-types.ts';
import type { KernelName } from '../program/kernels.ts';
import { registryHash } from '../program/kernels.ts';
import { hostBuilds, wasmOf } from '#wasm';
import type { WasmBuild } from './probe.ts';
import { probeBuild, wasmBuilds } from './probe.ts';
import type { ModelSource } from './source.ts';
import { readSmallFile, readSource, sourceName } from './source.ts';

/**
 * The wasm's exports: the program runner, expansion of weights, and every kernel by name (taking one record's address).
 */
export type WasmExports = Record<KernelName, (record: number) => void> & {
  registry(): number;
  run(record: number, count: number): void;
  expand_f16(from: number, to: number, n: number): void;
  expand_bytes(from: number, to: number, n: number): void;
  expand_nibbles(from: number, scales: number, to: number, n: number): void;
  expand_panels(...args: number[]): void;
  expand_taps(to: number, ...geometry: number[]): void;
  expand_spmm(...args: number[]): number;
  expand_sixes(...args: number[]): void;
  expand_winograd(...args: number[]): void;
  expand_sections(...args: number[]): number;
  expand_blocks(...args: number[]): number;
  expand_quantised(...args: number[]): number;
  i8_dot(a: number, b: number, c: number): number;
};

/** One instance with its own memory. Dropping it frees the memory. */
export interface Instance {
  build: WasmBuild;
  module: WasmModule;
  memory: WasmMemory;
  exports: WasmExports;
}

/** The wasm's static data ends below this address (scripts/build.mjs checks); a program starts here. */
export const programBase = 16384;

/** A build's wasm: the module itself, its bytes, or where to read them. */
export type WasmSource = WasmModule | ModelSource;

/** Returns the wasm of a build, for hosts that must import it as a module or that embed it. */
export type WasmProvider = (build: WasmBuild) => WasmSource | Promise<WasmSource>;

/** Changes a build so that it imports shared memory (threads/shared-memory.ts). */
export type ShareMemory = (wasm: Uint8Array) => Uint8Array;

async function compile(build: WasmBuild, provider: WasmProvider, share?: ShareMemory): Promise<WebAssembly.Module> {
  const source = await provider(build);
  if (source instanceof WebAssembly.Module) {
    if (!share) return source;
    throw new FiligreeError('unsupported', 'threads need the wasm as bytes, but it is a compiled module');
  }
  const bytes = readSmallFile(source) ?? (await readSource(source));
  try {
    return await WebAssembly.compile((share?.(bytes) ?? bytes) as BufferSource);
  } catch (error) {
    throw new FiligreeError(
      'environment',
      `${sourceName(source)}: not WebAssembly that this host can compile: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

const modules = new WeakMap<WasmProvider, Map<string, Promise<WebAssembly.Module>>>();

/** The compiled module of a build, cached. Failures are not cached. */
function moduleOf(build: WasmBuild, provider: WasmProvider, share?: ShareMemory): Promise<WebAssembly.Module> {
  const known = modules.get(provider) ?? new Map<string, Promise<WebAssembly.Module>>();
  modules.set(provider, known);
  const key = build + (share ? ', shared' : '');
  let module = known.get(key);
  if (!module) {
    module = compile(build, provider, share);
    known.set(key, module);
    module.catch(() => known.delete(key));
  }
  return module;
}

/** Starts to compile a build that the caller will instantiate; errors are reported then. */
export function prepare(build: WasmBuild, provider: WasmProvider = wasmOf): void {
  moduleOf(build, provider).catch(() => {});
}

/** The build to use: the one asked for, or the best that this entry point has and the host can run. */
export function chooseBuild(wanted?: WasmBuild, provider?: WasmProvider): WasmBuild {
  const probed = probeBuild();
  const best = probed && !provider && !hostBuilds.includes(probed) ? 'simd' : probed;
  if (!best) throw new FiligreeError('environment', 'this host has no WebAssembly SIMD, which Filigree needs');
  const build = wanted ?? best;
  if (!wasmBuilds.includes(build)) {
    throw new FiligreeError(
      'invalid-argument',
      `build: wanted one of ${wasmBuilds.join(', ')}, got "${String(build)}"`,
    );
  }
  if (build === 'relaxed' && best !== build) {
    throw new FiligreeError('environment', 'build: this host has no relaxed SIMD, which "relaxed" needs');
  }
  return build;
}

/**
 * Instantiates a build with `bytes` of memory.
 * @param share makes the wasm import shared memory, for threads
 * @throws FiligreeError `environment` when the host cannot provide the memory or the wasm is not Filigree's,
 * `not-found` when it is missing.
 */
export async function instantiate(
  bytes: number,
  build: WasmBuild,
  provider: WasmProvider = wasmOf,
  share?: ShareMemory,
): Promise<Instance> {
  const module = await moduleOf(build, provider, share);
  const pages = Math.ceil(bytes / 65536);
  let memory: WebAssembly.Memory;
  try {
    // A shared memory must state its maximum, and reserves that much address space: 512 MiB more than now, for images.
    memory = new WebAssembly.Memory(
      share ? { initial: pages, maximum: Math.min(65536, pages + 8192), shared: true } : { initial: pages },
    );
  } catch (error) {
    const mebibytes = Math.ceil(bytes / 2 ** 20);
    throw new FiligreeError(
      'environment',
      `the model needs ${mebibytes} MiB of memory, more than this host can provide`,
      {
        cause: error,
      },
    );
  }
  let exports: Partial<WasmExports>;
  try {
    exports = (await WebAssembly.instantiate(module, { env: { memory } })).exports as Partial<WasmExports>;
  } catch (error) {
    const { message } = error as Error;
    throw new FiligreeError('environment', `the wasm for "${build}" cannot be used: ${message}`, { cause: error });
  }
  if (!exports.registry || exports.registry() >>> 0 !== registryHash()) {
    const what = exports.registry ? 'belongs to another version' : 'is not a Filigree build';
    throw new FiligreeError('environment', `the wasm for "${build}" ${what}: use the file of the package that runs`);
  }
  return { build, module, memory, exports: exports as WasmExports };
}

/**
 * Grows memory to at least `bytes`. Views of it are detached when it grows.
 * @throws FiligreeError `environment` when the host cannot provide that much
 */
export function growMemory(memory: WasmMemory, bytes: number, purpose: string): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / 65536));
  } catch (error) {
    const mebibytes = Math.ceil(missing / 2 ** 20);
    throw new FiligreeError('environment', `no memory for ${purpose}: ${mebibytes} MiB more are needed`, {
      cause: error,
    });
  }
}
