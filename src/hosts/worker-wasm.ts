// `#wasm` for the worker of a detector, which is given its wasm.
import { FiligreeError } from '../errors.ts';
import { wasmBuilds, type WasmBuild } from '../runtime/probe.ts';
import type { WasmProvider } from '../runtime/instantiate.ts';

export const hostBuilds: readonly WasmBuild[] = wasmBuilds;

export const wasmOf: WasmProvider = (build) => {
  throw new FiligreeError('environment', `worker: nobody has given it the wasm for "${build}"`);
};
