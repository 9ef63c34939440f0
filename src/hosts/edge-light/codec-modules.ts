// `#codec-modules` for Vercel's edge functions: the platform compiles them.
import jpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm?module';
import png from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm?module';
import webp from '@jsquash/webp/codec/dec/webp_dec.wasm?module';
import type { CodecName } from '../codec-modules.ts';

const modules = { jpeg, png, webp };

export const codecModule = async (name: CodecName): Promise<WebAssembly.Module> => modules[name];

/** As in workerd: these isolates have 128 MB too. */
export const mostPixels = 4e6;
