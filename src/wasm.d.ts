/** A module of the host, or what its bundler makes of it. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

/** The file's bytes, deflated (RFC 1951): in base64 they are a fifth smaller than the plain bytes, compressed or not. */
declare module '*.wasm?deflated' {
  const deflated: Uint8Array;
  export default deflated;
}

/** A compiled module: hosts that forbid compiling bytes take it by import. */
declare module '*.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}
