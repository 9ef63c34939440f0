// What a page or an edge function downloads. Budgets are here; a change that goes over one has to say why.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { brotliCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const root = fileURLToPath(new URL('../', import.meta.url));
const kilobyte = 1000;

describe('the wasm', () => {
  it.each(['simd', 'relaxed'])('%s is under 60 kB raw, 16 kB compressed', (name) => {
    const bytes = readFileSync(`${root}src/wasm/filigree-${name}.wasm`);
    expect(bytes.length).toBeLessThan(60 * kilobyte);
    expect(brotliCompressSync(bytes).length).toBeLessThan(16 * kilobyte);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([
      { module: 'env', name: 'memory', kind: 'memory' },
    ]);
  });
});

describe('the runtime', () => {
  // 17 kB since kernels say how they divide and runs may take turns (0.9 kB); workers and plans are loaded on demand
  it('is under 17 kB, minified and compressed, 26 kB with what detects', async () => {
    const { bundleLazily } = await import(new URL('../scripts/bundle.mjs', import.meta.url).href);
    const files: Map<string, { lazy: boolean; contents: Uint8Array }> = await bundleLazily(`${root}src/index.ts`, {
      outdir: `${root}dist`,
      minify: true,
      write: false,
    });
    const compressed = (name: string) => brotliCompressSync(files.get(name)!.contents).length;
    expect([...files].filter(([, { lazy }]) => !lazy).map(([name]) => name)).toEqual(['index.js']);
    expect(compressed('index.js')).toBeLessThan(17 * kilobyte);
    expect(compressed('index.js') + compressed('detector.js')).toBeLessThan(26 * kilobyte);
  });
});
