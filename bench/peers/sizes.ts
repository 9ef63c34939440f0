// Download sizes of each runtime on one thread: its wasm and its minified JavaScript.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build, type BuildOptions } from 'esbuild';
import type { Runtime, RuntimeSize } from './results.ts';

const rootUrl = new URL('../../', import.meta.url);
const root = fileURLToPath(rootUrl);
const modules = path.join(root, 'node_modules');
const cacheFile = path.join(modules, '.cache/filigree/peer-sizes.json');

const downloads: Record<Exclude<Runtime, 'filigree'>, { package: string; wasm: string; js: string[] }> = {
  'tfjs-tflite': {
    package: '@tensorflow/tfjs-tflite',
    wasm: '@tensorflow/tfjs-tflite/wasm/tflite_web_api_cc_simd.wasm',
    js: [
      '@tensorflow/tfjs-tflite/wasm/tflite_web_api_client.js',
      '@tensorflow/tfjs-tflite/wasm/tflite_web_api_cc_simd.js',
    ],
  },
  litert: {
    package: '@litertjs/core',
    wasm: '@litertjs/core/wasm/litert_wasm_compat_internal.wasm',
    js: ['@litertjs/core/dist/index.js', '@litertjs/core/wasm/litert_wasm_compat_internal.js'],
  },
  'tfjs-wasm': {
    package: '@tensorflow/tfjs-backend-wasm',
    wasm: '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
    js: [
      '@tensorflow/tfjs-core/dist/tf-core.es2017.min.js',
      '@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.es2017.min.js',
    ],
  },
  onnxruntime: {
    package: 'onnxruntime-web',
    wasm: 'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm',
    js: ['onnxruntime-web/dist/ort.wasm.bundle.min.mjs'],
  },
};

const sizes = (files: Uint8Array[]) => ({
  raw: files.reduce((sum, { length }) => sum + length, 0),
  brotli: files.reduce((sum, file) => sum + brotliCompressSync(file).length, 0),
});

function measure(version: string, wasmFile: Uint8Array, jsFiles: Uint8Array[]): RuntimeSize {
  const [wasm, js] = [sizes([wasmFile]), sizes(jsFiles)];
  return { version, wasm: wasm.raw, wasmBrotli: wasm.brotli, js: js.raw, jsBrotli: js.brotli };
}

/** Lazy parts that a page loads for the objects model, by how their module's path ends. */
const lazyParts = ['vision/detector.ts', 'vision/heads/gfl.ts', 'filigree-relaxed.wasm?deflated'];

/**
 * What a page downloads that imports `createDetector` and finds objects, but for the model: a split build, the scripts that
 * are loaded for it, and one build of the wasm, which is in a script, deflated, in base64.
 */
async function ownSize(): Promise<RuntimeSize> {
  const { bundling } = (await import(new URL('scripts/bundle.mjs', rootUrl).href)) as { bundling: BuildOptions };
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    stdin: { contents: `export { createDetector } from './src/index.ts'`, resolveDir: root, sourcefile: 'entry.ts' },
    outdir: root,
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    plugins: bundling.plugins,
    external: ['node:*', 'filigree/*'],
    write: false,
  });
  const { outputs } = metafile;
  const names = Object.keys(outputs);
  const entries = names.filter((name) =>
    ['entry.ts', ...lazyParts].some((part) => outputs[name].entryPoint?.endsWith(part)),
  );
  if (entries.length !== 1 + lazyParts.length) throw new Error(`parts are missing: found ${entries.join(', ')}`);
  const loaded = new Set(entries);
  for (const name of loaded) {
    for (const { kind, path: imported } of outputs[name].imports) if (kind === 'import-statement') loaded.add(imported);
  }
  const contents = (isWasm: boolean) =>
    outputFiles
      .filter(({ path: file }) => loaded.has(path.relative(root, file)))
      .filter(
        ({ path: file }) =>
          (outputs[path.relative(root, file)].entryPoint?.endsWith('.wasm?deflated') ?? false) === isWasm,
      )
      .map((file) => file.contents);
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return measure(version, contents(true)[0], contents(false));
}

/** Sizes of runtimes. Compressing the peers takes a minute, so results are cached by version. */
export async function runtimeSizes(runtimes: readonly Runtime[]): Promise<Partial<Record<Runtime, RuntimeSize>>> {
  let cache: Record<string, RuntimeSize> = {};
  try {
    cache = JSON.parse(readFileSync(cacheFile, 'utf8')) as typeof cache;
  } catch {
    // the first run
  }
  const result: Partial<Record<Runtime, RuntimeSize>> = {};
  for (const runtime of runtimes) {
    if (runtime === 'filigree') {
      result[runtime] = await ownSize();
      continue;
    }
    const { package: name, wasm, js } = downloads[runtime];
    const read = (file: string) => readFileSync(path.join(modules, file));
    const { version } = JSON.parse(read(`${name}/package.json`).toString()) as { version: string };
    result[runtime] = cache[`${name}@${version}`] ??= measure(version, read(wasm), js.map(read));
  }
  mkdirSync(path.dirname(cacheFile), { recursive: true });
  writeFileSync(cacheFile, JSON.stringify(cache));
  return result;
}
