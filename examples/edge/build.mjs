// src/ → dist/: workerd/ holds modules, all that is deployed; deno.js and node.js leave packages to node_modules.
import { rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

process.chdir(import.meta.dirname);
rmSync('dist', { recursive: true, force: true });
const common = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'error' };
await build({ ...common, entryPoints: ['src/deno.ts', 'src/node.ts'], outdir: 'dist', packages: 'external' });

const { metafile } = await build({
  ...common,
  entryPoints: ['src/workerd.ts'],
  outdir: 'dist/workerd',
  minify: true,
  metafile: true,
  conditions: ['workerd', 'worker', 'browser'],
  loader: { '.wasm': 'copy', '.filigree': 'copy' }, // modules of their own
  assetNames: '[name]',
});

// what config.capnp embeds; the first module is the worker
const kinds = { js: 'esModule', wasm: 'wasm', filigree: 'data' };
const files = Object.keys(metafile.outputs).map((file) => basename(file));
files.sort((a, b) => Number(b.endsWith('.js')) - Number(a.endsWith('.js')));
const modules = files.map(
  (file) => `  (name = "${file}", ${kinds[file.split('.').at(-1)]} = embed "workerd/${file}"),`,
);
writeFileSync(
  'dist/modules.capnp',
  `@0xe1f2a3b4c5d6e7f8;
using Workerd = import "/workerd/workerd.capnp";

const modules :List(Workerd.Worker.Module) = [
${modules.join('\n')}
];
`,
);
