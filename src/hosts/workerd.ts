// Cloudflare Workers: code may not be compiled from bytes, the platform compiles what a worker imports. Takes the place of
// wasm-files.ts.
import relaxed from '../wasm/filigree-relaxed.wasm';
import simd from '../wasm/filigree-simd.wasm';
import type { WasmProvider, WasmSource } from '../runtime/instantiate.ts';
import type { WasmBuild } from '../runtime/probe.ts';

export const hostBuilds: readonly WasmBuild[] = ['simd', 'relaxed'];

/** In this host the imports are WebAssembly.Modules. */
export const wasmOf: WasmProvider = (build) => (build === 'simd' ? simd : relaxed) as unknown as WasmSource;
