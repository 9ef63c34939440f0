// Cloudflare Workers: code may not be compiled from bytes, the platform compiles what a worker imports. Takes the place of
// wasm-files.ts.
import relaxed from '../wasm/filigree-relaxed.wasm';
import simd from '../wasm/filigree-simd.wasm';
import { FiligreeError } from '../errors.ts';
import type { WasmProvider, WasmSource } from '../runtime/instantiate.ts';

/** In this host the import is a WebAssembly.Module. */
export const wasmOf: WasmProvider = (build) => {
  if (build === 'simd') return simd as WasmSource;
  if (build === 'relaxed') return relaxed as WasmSource;
  throw new FiligreeError('invalid-argument', `build: workerd has no threads, so no "${build}"`);
};
