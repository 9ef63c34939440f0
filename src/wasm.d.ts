/** The file's bytes: bundles embed it. */
declare module '*.wasm' {
  const bytes: Uint8Array;
  export default bytes;
}

/** A compiled module: hosts that forbid compiling bytes take it by import. */
declare module '*.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}
