// The wasm of the loops that measure a machine's peak.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('../assembly/bench/peak.ts', import.meta.url);
const root = new URL('../', import.meta.url);

const modified = (url: URL) => statSync(url, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** The wasm of the loops, compiled when it is missing or older than its source. */
export function peakWasm(build: 'simd' | 'relaxed'): Uint8Array {
  const wasm = new URL(`build/peak-${build}.wasm`, import.meta.url);
  if (modified(wasm) <= modified(source)) {
    const asc = fileURLToPath(new URL('../node_modules/assemblyscript/bin/asc.js', import.meta.url));
    const args = [asc, '--config', 'assembly/bench/asconfig.json', '--target', build];
    execFileSync(process.execPath, args, { cwd: fileURLToPath(root), stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return readFileSync(wasm);
}
