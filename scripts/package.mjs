// dist/: bundles, wasm, declarations and models, as they are published.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { bundled, bundleLazily, bundling } from './bundle.mjs';
import { emitDeclarations } from './declarations.mjs';
import { hostOptions, shippedModels } from './hosts.mjs';
import { makeUnlessMade } from './made.mjs';
import { wasmFiles } from './wasm.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * Each entry point is its own bundle, so that a cold start reads few files. Code for pages and edge functions is minified; its
 * sources are beside it, for debuggers. The command line is split, so that a command loads only what it needs. Chunks lie at
 * the root of the folder, beside wasm/.
 */
async function bundle(dist) {
  const common = { ...bundling, outdir: dist };
  const small = { minify: true, sourcemap: true, sourcesContent: true };
  const names = { outbase: 'src', entryNames: '[dir]/[name]', chunkNames: 'chunk-[hash]' };
  // tuning's runtime is a separate chunk beside wasm/, which compiling does not load; who prunes compiles as well
  await build({ ...common, ...names, entryPoints: ['src/compile.ts', 'src/prune.ts'], splitting: true });
  const digests = await models(dist);
  const plugins = [shippedModels('', digests)];
  await bundleLazily('src/index.ts', { ...common, ...small, plugins });
  await writeWorker(dist);
  await writeDetectorWorker({ ...common, ...small });
  await build({
    ...common,
    ...small,
    sourcemap: false, // its sources are in the maps beside it
    ...names,
    entryPoints: ['src/inline.ts'],
    plugins: [...bundling.plugins, ...plugins],
    conditions: ['inline'],
  });
  for (const entry of ['src/kernels.ts', 'src/images.ts', 'src/bulk.ts']) {
    await build({ ...common, ...names, entryPoints: [entry] });
  }
  const { metafile } = await build({
    ...common,
    ...names,
    entryPoints: ['src/cli/main.ts', 'src/cli/bulk-worker.ts'],
    splitting: true,
    // the code that draws reports of pruning is a part that nothing else loads
    packages: undefined,
    plugins: [bundled(['@observablehq/plot', 'linkedom'])],
    mainFields: ['module', 'main'],
    metafile: true,
  });
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) {
    if (!Object.keys(inputs).some((input) => input.includes('node_modules/'))) continue;
    const { code } = await transform(readFileSync(path, 'utf8'), {
      minify: true,
      format: 'esm',
      target: bundling.target,
    });
    writeFileSync(path, code);
  }
  for (const [host, { whole, apart, external = [], conditions }] of Object.entries(hostOptions)) {
    // edge functions are deployed as bundles: their maps would be a third of all maps, of the same sources
    const variant = { ...common, ...small, sourcemap: host === 'browser', outdir: `${dist}/${host}`, conditions };
    await bundleLazily('src/index.ts', { ...variant, whole, apart, external, plugins: [shippedModels(host, digests)] });
    if (host === 'browser') {
      await writeWorker(`${dist}/browser`);
      await writeDetectorWorker(variant);
      await build({
        ...variant,
        ...names,
        sourcemap: false, // Node's bundles of them are not minified
        plugins: [...bundling.plugins, besideIndex],
        entryPoints: ['src/compile.ts', 'src/prune.ts'],
        splitting: true,
      });
    }
    await build({ ...variant, external: [...common.external, ...external], entryPoints: { images: 'src/images.ts' } });
  }
}

/** For what pages compile and prune with: it takes the wasm that the runtime's entry point has beside it, so that pages have one of each build. */
const besideIndex = {
  name: 'beside-index',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm\?deflated$/ }, ({ path }) => {
      return { path: `./${basename(path, '?deflated')}.js`, external: true };
    });
    onLoad({ filter: /\/hosts\/prune-wasm\.ts$/ }, ({ path }) => {
      return { contents: readFileSync(path, 'utf8').replace("'./wasm/", "'../wasm/"), loader: 'ts' };
    });
  },
};

/** Writes the file from which pages start workers. */
async function writeWorker(folder) {
  const source = readFileSync('src/runtime/threads/worker-source.ts', 'utf8');
  const module = (await transform(source, { loader: 'ts' })).code;
  const { webWorkerSource } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
  const { code } = await transform(webWorkerSource, { minify: true });
  writeFileSync(`${folder}/filigree-worker.js`, code);
}

/** The file that detectors start their workers from: all of one in one file, but for the wasm, which the worker is given. */
async function writeDetectorWorker({ conditions = [], ...options }) {
  const entryPoints = { 'detector-worker': 'src/vision/detector-worker.ts' };
  // it imports and exports nothing, and is a module all the same
  const footer = { js: 'export {};' };
  await build({ ...options, sourcemap: false, entryPoints, footer, conditions: ['detector-worker', ...conditions] });
}

/** Compiles the package's models with its own compiler. @returns the digest of each file, by name */
async function models(dist) {
  const { buildModels } = await import(new URL('../models/build.mjs', import.meta.url));
  await buildModels(new URL(`../${dist}/`, import.meta.url));
  const digest = (file) =>
    createHash('sha256')
      .update(readFileSync(`${dist}/models/${file}`))
      .digest('base64');
  const files = readdirSync(`${dist}/models`);
  return Object.fromEntries(files.map((file) => [file.replace('.filigree', ''), `sha256-${digest(file)}`]));
}

/** Builds into a folder beside dist/, then renames it, so that readers of dist/ find the complete old one or new one. */
async function make() {
  for (const left of readdirSync('.').filter((name) => /^dist\.\d+/.test(name))) rmSync(left, { recursive: true });
  const fresh = `dist.${process.pid}`;
  await bundle(fresh);
  for (const file of wasmFiles) cpSync(file, file.replace('src/hosts', fresh));
  emitDeclarations(`${fresh}/types`);
  if (existsSync('dist')) renameSync('dist', `${fresh}.old`);
  renameSync(fresh, 'dist');
  rmSync(`${fresh}.old`, { recursive: true, force: true });
}

/**
 * Builds dist/ when its sources have changed. It takes the wasm from src/hosts/wasm/.
 * @param force builds in any case
 */
export async function buildPackage({ force = false } = {}) {
  process.chdir(root);
  const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  await makeUnlessMade({
    name: 'dist',
    sources: ['src', 'models', 'scripts', ...settings],
    outputs: ['dist'],
    make,
    force,
  });
}
