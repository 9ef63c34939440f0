import { FiligreeError } from '../errors.ts';
import type { KernelName } from '../program/kernels.ts';
import { wasmUrl } from '../wasm-url.ts';
import type { WasmBuild } from './probe.ts';
import { probeBuild } from './probe.ts';
import { readSource } from './source.ts';

/** What the wasm exports: the program runner, expansion of weights, and every kernel by name (one record's address). */
export type WasmExports = Record<KernelName, (record: number) => void> & {
  run(record: number, count: number): void;
  expand_f16(from: number, to: number, n: number): void;
  expand_taps(to: number, ...geometry: number[]): void;
  expand_gemm(values: number, bias: number, to: number, rows: number, columns: number): void;
  expand_spmm(...args: number[]): number;
};

/** One instance with its own memory. Dropping it gives the memory back. */
export interface Instance {
  build: WasmBuild;
  memory: WebAssembly.Memory;
  exports: WasmExports;
}

/** The wasm's static data ends below this address (scripts/build.mjs checks); a program starts here. */
export const programBase = 16384;

const modules = new Map<WasmBuild, Promise<WebAssembly.Module>>();

async function compile(build: WasmBuild): Promise<WebAssembly.Module> {
  const bytes = await readSource(wasmUrl(build));
  return WebAssembly.compile(bytes as BufferSource);
}

/** The compiled module of a build, compiled once. A failure is not remembered. */
function moduleOf(build: WasmBuild): Promise<WebAssembly.Module> {
  let module = modules.get(build);
  if (!module) {
    module = compile(build);
    modules.set(build, module);
    module.catch(() => modules.delete(build));
  }
  return module;
}

/** The build to use: the one asked for, or the best that the host can run. */
export function chooseBuild(wanted?: WasmBuild): WasmBuild {
  const build = wanted ?? probeBuild();
  if (!build) throw new FiligreeError('environment', 'this host has no WebAssembly SIMD, which Filigree needs');
  return build;
}

/**
 * Instantiates a build with `bytes` of memory.
 * @throws FiligreeError `environment` when the host cannot give that much, `not-found` when the wasm is missing.
 */
export async function instantiate(bytes: number, build: WasmBuild): Promise<Instance> {
  const module = await moduleOf(build);
  const pages = Math.ceil(bytes / 65536);
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: pages });
  } catch (error) {
    const mebibytes = Math.ceil(bytes / 2 ** 20);
    throw new FiligreeError(
      'environment',
      `the model needs ${mebibytes} MiB of memory, which this host does not give`,
      {
        cause: error,
      },
    );
  }
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return { build, memory, exports: instance.exports as unknown as WasmExports };
}
