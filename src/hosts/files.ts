// `#wasm` for Node, Deno, Bun and unbundled modules: the builds are files in wasm/, beside this module and beside its bundle. The
// paths are literals, so that bundlers find them.
import type { WasmBuild } from '../runtime/probe.ts';
import { wasmBuilds } from '../runtime/probe.ts';

/** The builds that come with this entry point. */
export const hostBuilds: readonly WasmBuild[] = wasmBuilds;

export function wasmOf(build: WasmBuild): URL {
  switch (build) {
    case 'simd':
      return new URL('./wasm/filigree-simd.wasm', import.meta.url);
    case 'relaxed':
      return new URL('./wasm/filigree-relaxed.wasm', import.meta.url);
  }
}
