// npm run build: the wasm (src/hosts/wasm/) and the package (dist/), each only when its sources have changed.
//
//   node scripts/build.mjs              both
//   node scripts/build.mjs --kernels    only the wasm, the simd build first
//   node scripts/build.mjs --force      even without changes
import process from 'node:process';
import { buildWasm } from './wasm.mjs';

const force = process.argv.includes('--force');
await buildWasm({ force });
if (!process.argv.includes('--kernels')) {
  const { buildPackage } = await import('./package.mjs');
  await buildPackage({ force });
}
