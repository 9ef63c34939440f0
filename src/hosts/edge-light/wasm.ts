// `#wasm` for Vercel's edge functions: they may not compile bytes. `?module` imports are compiled when a function is deployed. Some of
// these hosts have no relaxed SIMD, and would refuse a function that imports it.
import simd from '../wasm/filigree-simd.wasm?module';
import { FiligreeError } from '../../errors.ts';
import type { WasmProvider } from '../../runtime/instantiate.ts';
import type { WasmBuild } from '../../runtime/probe.ts';

export const hostBuilds: readonly WasmBuild[] = ['simd'];

export const wasmOf: WasmProvider = (build) => {
  if (build === 'simd') return simd;
  throw new FiligreeError('invalid-argument', `build: edge functions have "simd" only, not "${build}"`);
};
