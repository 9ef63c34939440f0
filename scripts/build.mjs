// npm run build: everything dist/ holds, from nothing.
//
//   node scripts/build.mjs            wasm, bundles, types, default model
//   node scripts/build.mjs --kernels     the wasm files only, into src/wasm/ (tests and dist/ take them from there)
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { main as asc } from 'assemblyscript/asc';
import binaryen from 'binaryen';
import { build, transform } from 'esbuild';
import { bundled, bundleLazily, bundling } from './bundle.mjs';
import { emitDeclarations } from './declarations.mjs';
import { replace, replacements } from './hosts.mjs';

const root = new URL('../', import.meta.url);
/** Programs start here; src/runtime/instantiate.ts says so. */
const programBase = 16384;
const targets = ['simd', 'relaxed'];

/** One more pass over what asc emitted: drop names and producers, merge locals, vacuum. Same input, same bytes. */
function optimise(path) {
  const module = binaryen.readBinary(readFileSync(path));
  module.setFeatures(binaryen.Features.All & ~binaryen.Features.GC & ~binaryen.Features.ReferenceTypes);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setFastMath(false);
  module.runPasses(['strip-debug', 'strip-producers', 'strip-target-features', 'vacuum']);
  const bytes = module.emitBinary();
  for (let i = 0; i < module.getNumDataSegments(); i++) {
    const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(i));
    const end = offset + data.byteLength;
    if (!(end <= programBase)) throw new Error(`${path}: static data reaches address ${end}`);
  }
  if (!module.validate()) throw new Error(`${path}: binaryen made an invalid module`);
  module.dispose();
  writeFileSync(path, bytes);
  return bytes.length;
}

async function buildWasm() {
  execFileSync('node', ['scripts/generate.mjs'], { cwd: root, stdio: 'inherit' });
  mkdirSync(new URL('src/wasm/', root), { recursive: true });
  for (const target of targets) {
    const { error, stderr } = await asc(['--target', target]);
    if (error) throw new Error(`asc --target ${target}: ${error.message}\n${stderr}`);
    const path = new URL(`src/wasm/filigree-${target}.wasm`, root).pathname;
    console.log(`filigree-${target}.wasm  ${optimise(path)} bytes`);
  }
  // what pruning computes with
  const { error, stderr } = await asc(['--config', 'assembly/prune/asconfig.json', '--target', 'prune']);
  if (error) throw new Error(`asc, prune: ${error.message}\n${stderr}`);
  const path = new URL('src/wasm/filigree-prune.wasm', root).pathname;
  console.log(`filigree-prune.wasm  ${optimise(path)} bytes`);
}

/**
 * Entry points are bundles of their own, so that a cold start reads few files. What pages and edge functions load is
 * minified; its sources are beside it, for debuggers. The command line is split, so that a command loads what it needs.
 * Chunks lie at the root of dist/, where wasm/ is.
 */
async function bundle() {
  const common = { ...bundling, outdir: 'dist' };
  const small = { minify: true, sourcemap: true, sourcesContent: true };
  const names = { outbase: 'src', entryNames: '[dir]/[name]', chunkNames: 'chunk-[hash]' };
  await bundleLazily('src/index.ts', { ...common, ...small });
  await writeWorker('dist');
  await build({ ...common, ...small, ...names, entryPoints: ['src/inline.ts'] });
  for (const entry of ['src/kernels.ts', 'src/images.ts']) {
    await build({ ...common, ...names, entryPoints: [entry] });
  }
  // what tuning runs is a chunk that compiling does not load, beside wasm/
  await build({ ...common, ...names, entryPoints: ['src/compile.ts'], splitting: true });
  await build({ ...common, ...names, entryPoints: ['src/prune.ts'], splitting: true });
  const { metafile } = await build({
    ...common,
    ...names,
    entryPoints: ['src/cli/main.ts'],
    splitting: true,
    // what draws reports of pruning is a part that nothing else loads
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
  // hosts that cannot read files: their own way to the wasm takes the place of the files
  for (const host of ['browser', 'workerd', 'edge-light']) {
    const variant = {
      ...common,
      ...small,
      outdir: `dist/${host}`,
      // imported from where the published file lies
      external: host === 'browser' ? [] : ['../wasm/*'],
    };
    await bundleLazily('src/index.ts', { ...variant, plugins: replacements(host) });
    if (host === 'browser') {
      await writeWorker('dist/browser');
      continue; // it decodes images itself
    }
    const plugins = [replace('codec-files', `hosts/${host}-images`)];
    await build({ ...variant, entryPoints: { images: 'src/images.ts' }, plugins });
  }
}

/** The file that pages start workers from. */
async function writeWorker(folder) {
  const source = readFileSync(new URL('src/runtime/threads/worker-source.ts', root), 'utf8');
  const module = (await transform(source, { loader: 'ts' })).code;
  const { webWorkerSource } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
  const { code } = await transform(webWorkerSource, { minify: true });
  writeFileSync(`${folder}/filigree-worker.js`, code);
}

/** Compiles the models that come with the package. */
async function models() {
  const { buildModels } = await import(new URL('../models/build.mjs', import.meta.url));
  await buildModels(new URL('../dist/models/', import.meta.url));
}

process.chdir(root.pathname);
await buildWasm();
if (!process.argv.includes('--kernels')) {
  rmSync('dist', { recursive: true, force: true });
  await bundle();
  mkdirSync('dist/wasm', { recursive: true });
  cpSync('src/wasm', 'dist/wasm', { recursive: true });
  emitDeclarations('dist/types');
  await models();
}
