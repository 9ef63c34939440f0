// Vercel's edge functions: code may not be compiled from bytes, `?module` imports are compiled when a function is deployed.
// Takes the place of wasm-files.ts.
import relaxed from '../wasm/filigree-relaxed.wasm?module';
import simd from '../wasm/filigree-simd.wasm?module';
import { FiligreeError } from '../errors.ts';
import type { WasmProvider } from '../runtime/instantiate.ts';

export const wasmOf: WasmProvider = (build) => {
  if (build === 'simd') return simd;
  if (build === 'relaxed') return relaxed;
  throw new FiligreeError('invalid-argument', `build: edge functions have no threads, so no "${build}"`);
};
