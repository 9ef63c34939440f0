// `#codec-modules` for Node, Deno and Bun: compiles the codecs' WebAssembly from files of their packages.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { FiligreeError } from '../errors.ts';

export type CodecName = 'jpeg' | 'png' | 'webp';

/** 400 MB of pixels. */
export const mostPixels = 100e6;

const files = {
  jpeg: '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  png: '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
  webp: '@jsquash/webp/codec/dec/webp_dec.wasm',
} as const;

export async function codecModule(name: CodecName): Promise<WebAssembly.Module> {
  let file: string;
  try {
    // bundles of CommonJS have the one, other modules the other
    file = createRequire(typeof __filename === 'string' ? __filename : import.meta.url).resolve(files[name]);
  } catch (cause) {
    throw new FiligreeError(
      'environment',
      `the decoder of ${name.toUpperCase()} images, ${files[name]}, is not in node_modules beside or above the script: ` +
        'install filigree where the bundle runs, or decode images yourself',
      { cause },
    );
  }
  return WebAssembly.compile(await readFile(file));
}
