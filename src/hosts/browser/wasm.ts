// `#wasm` for pages and their workers: the wasm is part of the script, a chunk for each build, so that no bundler has to be told of a
// file beside it and a content security policy has to allow nothing but the script itself.
import type { WasmBuild } from '../../runtime/probe.ts';
import { wasmBuilds } from '../../runtime/probe.ts';

export const hostBuilds: readonly WasmBuild[] = wasmBuilds;

export async function wasmOf(build: WasmBuild): Promise<Uint8Array> {
  switch (build) {
    case 'simd':
      return (await import('../wasm/filigree-simd.wasm')).default;
    case 'relaxed':
      return (await import('../wasm/filigree-relaxed.wasm')).default;
  }
}
