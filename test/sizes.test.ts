// What a page or an edge function downloads. Budgets are here; a change that goes over one has to say why.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
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
  // 24 kB since it decodes every family of detection heads and classifies; recognising them is loaded on demand.
  it('is under 24 kB, minified and compressed, for a model that says what it sees', async () => {
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      entryPoints: ['src/index.ts'],
      outdir: root,
      bundle: true,
      splitting: true,
      minify: true,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      external: ['node:*'],
      write: false,
    });
    const { outputs } = metafile;
    const loaded = new Set([Object.keys(outputs).find((path) => outputs[path].entryPoint === 'src/index.ts')!]);
    for (const path of loaded) {
      for (const { kind, path: imported } of outputs[path].imports)
        if (kind === 'import-statement') loaded.add(imported);
    }
    const files = outputFiles.filter(({ path }) => loaded.has(relative(root, path)));
    expect(files.length).toBe(loaded.size);
    expect(files.length).toBeLessThan(outputFiles.length);
    const bytes = files.map(({ contents }) => brotliCompressSync(contents).length);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(24 * kilobyte);
  });
});
