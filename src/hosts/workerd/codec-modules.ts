// `#codec-modules` for Cloudflare Workers: the platform compiles them.
import jpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
// @ts-expect-error: its declarations are those of an instance
import png from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import webp from '@jsquash/webp/codec/dec/webp_dec.wasm';
import type { CodecName } from '../codec-modules.ts';

const modules = { jpeg, png, webp };

/** In this host the imports are WebAssembly.Modules. */
export const codecModule = async (name: CodecName) => modules[name] as unknown as WebAssembly.Module;

/** What fits an isolate of 128 MB with a detector, of every format: `node scripts/run.mjs bench/isolate.ts`. */
export const mostPixels = 4e6;
