// Finds what the host's WebAssembly supports, by validating a few bytes.

// (module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt))
const simd = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

// (module (func (result v128) (i32x4.relaxed_dot_i8x16_i7x16_add_s (f32x4.relaxed_madd … … …) … …))), constants by splat.
// Both, since JavaScriptCore with relaxed SIMD switched on has the inner one only.
const relaxed = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 30, 1, 28, 0, 65, 0, 253, 17, 65, 0, 253, 17, 65,
  0, 253, 17, 253, 133, 2, 65, 0, 253, 17, 65, 0, 253, 17, 253, 147, 2, 11,
];

const has = (bytes: number[]) => WebAssembly.validate(new Uint8Array(bytes));

/** The wasm builds. */
export const wasmBuilds = ['simd', 'relaxed'] as const;
export type WasmBuild = (typeof wasmBuilds)[number];

/** The best build that the host can run, or undefined without SIMD. */
export function probeBuild(): WasmBuild | undefined {
  if (typeof WebAssembly === 'undefined' || !has(simd)) return undefined;
  return has(relaxed) ? 'relaxed' : 'simd';
}
