// What the host's engine makes of WebAssembly; probe.ts finds what it supports at all.

/**
 * Whether tiles of twelve or thirteen sums are faster than those of seven or eight: V8 keeps so many vectors in registers
 * since Turboshaft compiles WebAssembly (13, Node 24), and spills them before (Node 22 with relaxed SIMD, too). Other engines
 * count as new ones. Float16Array tells: V8 13.6, Firefox 129 and Safari 18.2 are the first to have it.
 */
export function prefersWideTiles(): boolean {
  return 'Float16Array' in globalThis;
}
