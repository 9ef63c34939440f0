// `#wasm` for pages and their workers: each build is a chunk of the script, deflated. So bundlers need no settings for files, and a content
// security policy has to allow only the script itself.
import type { WasmBuild } from '../../runtime/probe.ts';
import { wasmBuilds } from '../../runtime/probe.ts';
import { inflate } from '../inflate.ts';

export const hostBuilds: readonly WasmBuild[] = wasmBuilds;

export async function wasmOf(build: WasmBuild): Promise<Uint8Array> {
  switch (build) {
    case 'simd':
      return inflate((await import('../wasm/filigree-simd.wasm?deflated')).default);
    case 'relaxed':
      return inflate((await import('../wasm/filigree-relaxed.wasm?deflated')).default);
  }
}
