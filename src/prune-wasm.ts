// Where the wasm that pruning computes with lies: beside this module's bundle, as the runtime's (wasm-files.ts). It is loaded
// by `import()`, so that it is a chunk at the root of dist/, where wasm/ is.
export const pruneWasm = new URL('./wasm/filigree-prune.wasm', import.meta.url);
