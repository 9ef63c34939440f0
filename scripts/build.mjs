// npm run build: what is not built yet of the wasm (src/wasm/) and of the package (dist/).
//
//   node scripts/build.mjs              both
//   node scripts/build.mjs --kernels    the wasm alone, its simd build first
//   node scripts/build.mjs --force      what is built, too
import process from 'node:process';
import { buildWasm } from './wasm.mjs';

const force = process.argv.includes('--force');
await buildWasm({ force });
if (!process.argv.includes('--kernels')) {
  const { buildPackage } = await import('./package.mjs');
  await buildPackage({ force });
}
