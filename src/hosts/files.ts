// `#wasm` for Node, Deno, Bun and unbundled modules: the builds are files in wasm/, beside this module and beside its bundle. The
// paths are literals, so that bundlers find them.
import { FiligreeError } from '../errors.ts';
import type { WasmBuild } from '../runtime/probe.ts';
import { wasmBuilds } from '../runtime/probe.ts';

/** The builds that come with this entry point. */
export const hostBuilds: readonly WasmBuild[] = wasmBuilds;

/** @throws FiligreeError `not-found` where a bundler has left the files behind */
export function wasmOf(build: WasmBuild): URL {
  const from = import.meta.url as string | undefined; // bundles of CommonJS have none
  if (from === undefined) throw leftBehind('the bundle is CommonJS, which does not say where it lies');
  const url =
    build === 'simd'
      ? new URL('./wasm/filigree-simd.wasm', import.meta.url)
      : new URL('./wasm/filigree-relaxed.wasm', import.meta.url);
  const fs = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:fs');
  if (fs && url.protocol === 'file:' && !fs.existsSync(url)) throw leftBehind(`${url.href} is missing`);
  return url;
}

const leftBehind = (why: string) =>
  new FiligreeError(
    'not-found',
    `the bundler has left Filigree's WebAssembly behind (${why}): import from "filigree/inline", which has it inside, or ` +
      'copy the folder node_modules/filigree/dist/wasm beside the bundle',
  );
