// The wasm of pruning is a file in wasm/, like the builds of the runtime (files.ts). `import()` loads this module, so that it becomes a
// chunk at the root of dist/, beside wasm/.
export const pruneWasm = new URL('./wasm/filigree-prune.wasm', import.meta.url);
