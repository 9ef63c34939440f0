// The wasm of pruning is a file in wasm/, as the runtime's are (files.ts). This module is loaded by `import()`, so that it is a
// chunk at the root of dist/, where wasm/ is.
export const pruneWasm = new URL('./wasm/filigree-prune.wasm', import.meta.url);
