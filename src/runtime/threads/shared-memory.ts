// The builds import unshared memory; for threads the same code imports shared memory.
import { FiligreeError } from '../../errors.ts';

/** The whole section (import "env" "memory" (memory 1 65536 shared)); the builds have (memory 1). */
const sharedImport = [2, 18, 1, 3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 3, 1, 0x80, 0x80, 4];

const importSection = 2;

/**
 * A build's wasm, changed to import shared memory.
 * @throws FiligreeError `environment` for bytes that are not WebAssembly
 */
export function withSharedMemory(wasm: Uint8Array): Uint8Array {
  for (let at = 8; at < wasm.length;) {
    const start = at;
    const id = wasm[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      size += (byte & 127) * 2 ** shift;
      if (!(byte & 128)) break;
    }
    at += size;
    if (id !== importSection) continue;
    const shared = new Uint8Array(start + sharedImport.length + wasm.length - at);
    shared.set(wasm.subarray(0, start));
    shared.set(sharedImport, start);
    shared.set(wasm.subarray(at), start + sharedImport.length);
    return shared;
  }
  throw new FiligreeError('environment', 'not a WebAssembly build of Filigree');
}
