// Cloudflare Workers: the platform compiles the codecs. Takes the place of images/codec-files.ts.
import jpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
// @ts-expect-error: its declarations are those of an instance
import png from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import webp from '@jsquash/webp/codec/dec/webp_dec.wasm';
import type { CodecName } from '../images/codec-files.ts';

const modules = { jpeg, png, webp };

/** In this host the imports are WebAssembly.Modules. */
export const codecModule = async (name: CodecName) => modules[name] as unknown as WebAssembly.Module;
