// npm run build: everything dist/ holds, from nothing.
//
//   node scripts/build.mjs            wasm, bundles, types, default model
//   node scripts/build.mjs --kernels     the four wasm builds only, into src/wasm/ (tests and dist/ take them from there)
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { main as asc } from 'assemblyscript/asc';
import binaryen from 'binaryen';

const root = new URL('../', import.meta.url);
const targets = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads'];

/** One more pass over what asc emitted: drop names and producers, merge locals, vacuum. Same input, same bytes. */
function optimise(path) {
  const module = binaryen.readBinary(readFileSync(path));
  module.setFeatures(binaryen.Features.All & ~binaryen.Features.GC & ~binaryen.Features.ReferenceTypes);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setFastMath(false);
  module.runPasses(['strip-debug', 'strip-producers', 'strip-target-features', 'vacuum']);
  const bytes = module.emitBinary();
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
}

process.chdir(root.pathname);
await buildWasm();
