// Builds the wasm files of src/hosts/wasm/, which tests and dist/ use.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { makeUnlessMade, writeWhole } from './made.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Programs start here; src/runtime/instantiate.ts says so. */
const programBase = 16384;

const pruning = 'assembly/prune';
const kernels = readdirSync(join(root, 'assembly'))
  .map((name) => `assembly/${name}`)
  .filter((path) => path !== pruning);

/** The wasm files in the order in which they are built: asc's target, its configuration, and their sources. */
const builds = [
  { target: 'simd', config: 'asconfig.json', sources: [...kernels, 'asconfig.json'] },
  { target: 'relaxed', config: 'asconfig.json', sources: [...kernels, 'asconfig.json'] },
  // the linear algebra of pruning
  { target: 'prune', config: `${pruning}/asconfig.json`, sources: [pruning] },
];
const fileOf = ({ target }) => `src/hosts/wasm/filigree-${target}.wasm`;
export const wasmFiles = builds.map(fileOf);

/** One more pass over what asc emitted: drop names and producers, merge locals, vacuum. Same input, same bytes. */
function optimise(binaryen, emitted, file) {
  const module = binaryen.readBinary(emitted);
  module.setFeatures(binaryen.Features.All & ~binaryen.Features.GC & ~binaryen.Features.ReferenceTypes);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setFastMath(false);
  module.runPasses(['strip-debug', 'strip-producers', 'strip-target-features', 'vacuum']);
  const bytes = module.emitBinary();
  for (let i = 0; i < module.getNumDataSegments(); i++) {
    const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(i));
    const end = offset + data.byteLength;
    if (!(end <= programBase)) throw new Error(`${file}: static data reaches address ${end}`);
  }
  if (!module.validate()) throw new Error(`${file}: binaryen made an invalid module`);
  module.dispose();
  return bytes;
}

async function compile({ target, config }, file) {
  const { main: asc } = await import('assemblyscript/asc');
  const { default: binaryen } = await import('binaryen');
  const written = new Map();
  const { error, stderr } = await asc(['--config', config, '--target', target], {
    writeFile: (path, content) => void written.set(path, content),
  });
  if (error) throw new Error(`asc, ${target}: ${error.message}\n${stderr}`);
  const [emitted] = written.values();
  const bytes = optimise(binaryen, emitted, file);
  writeWhole(file, bytes);
  console.log(`${file}  ${bytes.length} bytes`);
}

/**
 * Writes assembly/generated/ and builds the wasm files whose sources have changed. Rows of kernels and templates count by the
 * sources generated from them.
 * @param force builds all
 */
export async function buildWasm({ force = false } = {}) {
  process.chdir(root);
  execFileSync(process.execPath, ['scripts/generate.mjs'], { stdio: 'inherit' });
  mkdirSync('src/hosts/wasm', { recursive: true });
  const left = readdirSync('src/hosts/wasm').map((name) => `src/hosts/wasm/${name}`);
  for (const file of left) if (file.endsWith('.wasm') && !wasmFiles.includes(file)) rmSync(file, { force: true });
  const tools = ['assemblyscript', 'binaryen'].map((name) => `node_modules/${name}/package.json`);
  for (const build of builds) {
    const file = fileOf(build);
    await makeUnlessMade({
      name: `filigree-${build.target}`,
      sources: [...build.sources, 'scripts/wasm.mjs', ...tools],
      outputs: [file],
      make: () => compile(build, file),
      force,
    });
  }
}
