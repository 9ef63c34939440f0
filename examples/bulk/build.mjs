// src/ → dist/: Node's processes, which leave packages to node_modules; cloudflare/ holds modules, all that is deployed.
import { rmSync } from 'node:fs';
import process from 'node:process';
import { build } from 'esbuild';

process.chdir(import.meta.dirname);
rmSync('dist', { recursive: true, force: true });
const common = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'error', tsconfigRaw: {} };
await build({
  ...common,
  entryPoints: ['enqueue', 'worker', 'processor', 'with-parent', 'collect', 'dead'].map((name) => `src/${name}.ts`),
  outdir: 'dist',
  platform: 'node',
  packages: 'external',
});
await build({
  ...common,
  entryPoints: ['src/cloudflare.ts'],
  outdir: 'dist/cloudflare',
  minify: true,
  conditions: ['workerd', 'worker', 'browser'],
  external: ['node:*'],
  loader: { '.wasm': 'copy', '.filigree': 'copy' }, // modules of their own
  assetNames: '[name]',
});
