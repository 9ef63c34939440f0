// Types of what only some hosts have, so that the declarations need no DOM library. URL, Blob, Response and AbortSignal
// are everywhere; types of edge hosts declare them as classes, which `typeof globalThis` does not show.

/** Instances of a global class of pages, where the project's libraries have it. */
export type HostClass<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer T }> ? T : never;

/** `WebAssembly.Module`, where the project knows it. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : object;

/** `WebAssembly.Memory`, where the project knows it; else what a memory has. */
export type WasmMemory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer T } } }
  ? T
  : { readonly buffer: ArrayBuffer; grow(pages: number): number };
