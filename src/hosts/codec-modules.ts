// `#codec-modules` for Node, Deno and Bun: compiles the codecs' WebAssembly from files of their packages.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

export type CodecName = 'jpeg' | 'png' | 'webp';

const files = {
  jpeg: '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  png: '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
  webp: '@jsquash/webp/codec/dec/webp_dec.wasm',
} as const;

export async function codecModule(name: CodecName): Promise<WebAssembly.Module> {
  const require = createRequire(import.meta.url);
  return WebAssembly.compile(await readFile(require.resolve(files[name])));
}
