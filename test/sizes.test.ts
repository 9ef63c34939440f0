// What a page or an edge function downloads. Budgets are here; a change that goes over one has to say why.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const root = fileURLToPath(new URL('../', import.meta.url));
const kilobyte = 1000;

describe('the wasm', () => {
  it.each(['simd', 'relaxed', 'simd-threads', 'relaxed-threads'])('%s is under 60 kB raw, 16 kB compressed', (name) => {
    const bytes = readFileSync(`${root}src/wasm/filigree-${name}.wasm`);
    expect(bytes.length).toBeLessThan(60 * kilobyte);
    expect(brotliCompressSync(bytes).length).toBeLessThan(16 * kilobyte);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([
      { module: 'env', name: 'memory', kind: 'memory' },
    ]);
  });
});

describe('the runtime', () => {
  it('is under 18 kB, minified and compressed', async () => {
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: ['src/index.ts'],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'neutral',
      external: ['node:*'],
      write: false,
    });
    expect(brotliCompressSync(outputFiles[0].contents).length).toBeLessThan(18 * kilobyte);
  });
});
