// dist/: bundles, wasm, declarations and models, as they are published.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { bundled, bundleLazily, bundling } from './bundle.mjs';
import { emitDeclarations } from './declarations.mjs';
import { replace, replacements, shippedModels } from './hosts.mjs';
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
  // tuning's runtime is a separate chunk beside wasm/, which compiling does not load
  await build({ ...common, ...names, entryPoints: ['src/compile.ts'], splitting: true });
  const digests = await models(dist);
  const plugins = [shippedModels('', digests)];
  await bundleLazily('src/index.ts', { ...common, ...small, plugins });
  await writeWorker(dist);
  await build({ ...common, ...small, ...names, entryPoints: ['src/inline.ts'], plugins });
  for (const entry of ['src/kernels.ts', 'src/images.ts']) {
    await build({ ...common, ...names, entryPoints: [entry] });
  }
  await build({ ...common, ...names, entryPoints: ['src/prune.ts'], splitting: true });
  const { metafile } = await build({
    ...common,
    ...names,
    entryPoints: ['src/cli/main.ts'],
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
  // hosts that cannot read files have their own access to the wasm
  for (const host of ['browser', 'workerd', 'edge-light']) {
    const variant = {
      ...common,
      ...small,
      outdir: `${dist}/${host}`,
      // imported relative to the published file
      external: host === 'browser' ? [] : ['../wasm/*'],
    };
    await bundleLazily('src/index.ts', { ...variant, plugins: [...replacements(host), shippedModels(host, digests)] });
    if (host === 'browser') await writeWorker(`${dist}/browser`);
    const codecs = host === 'browser' ? replace('codecs', 'hosts/browser-codecs') : undefined;
    const plugins = [codecs ?? replace('codec-files', `hosts/${host}-images`)];
    await build({ ...variant, entryPoints: { images: 'src/images.ts' }, plugins });
  }
}

/** Writes the file from which pages start workers. */
async function writeWorker(folder) {
  const source = readFileSync('src/runtime/threads/worker-source.ts', 'utf8');
  const module = (await transform(source, { loader: 'ts' })).code;
  const { webWorkerSource } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
  const { code } = await transform(webWorkerSource, { minify: true });
  writeFileSync(`${folder}/filigree-worker.js`, code);
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
  for (const file of wasmFiles) cpSync(file, file.replace('src', fresh));
  emitDeclarations(`${fresh}/types`);
  if (existsSync('dist')) renameSync('dist', `${fresh}.old`);
  renameSync(fresh, 'dist');
  rmSync(`${fresh}.old`, { recursive: true, force: true });
}

/**
 * Builds dist/ when its sources have changed. It takes the wasm from src/wasm/.
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
