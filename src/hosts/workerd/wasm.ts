// `#wasm` for Cloudflare Workers: they may not compile bytes. The platform compiles what a worker imports.
import relaxed from '../wasm/filigree-relaxed.wasm';
import simd from '../wasm/filigree-simd.wasm';
import type { WasmProvider, WasmSource } from '../../runtime/instantiate.ts';
import type { WasmBuild } from '../../runtime/probe.ts';

export const hostBuilds: readonly WasmBuild[] = ['simd', 'relaxed'];

/** In this host the imports are WebAssembly.Modules. */
export const wasmOf: WasmProvider = (build) => (build === 'simd' ? simd : relaxed) as unknown as WasmSource;
