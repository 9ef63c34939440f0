// `#wasm` for pages and their workers: each build is a chunk of the script. So bundlers need no settings for files, and a content
// security policy has to allow only the script itself.
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
