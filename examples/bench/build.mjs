// Builds the page into dist/: node build.mjs [--serve]. It measures the kernels of the clone it lies in, by the cases of bench/.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { build, context } from 'esbuild';
import { bundling } from '../../scripts/bundle.mjs';

const folder = import.meta.dirname;
const dist = path.join(folder, 'dist');
const root = path.join(folder, '../..');

/** `peak:BUILD` is the wasm of the loops that measure the device's peak, compiled when needed. */
const peakWasm = {
  name: 'peak-wasm',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^peak:/ }, ({ path: name }) => ({ path: name.slice(5), namespace: 'peak' }));
    onLoad({ filter: /.*/, namespace: 'peak' }, async ({ path: name }) => {
      const { outputFiles } = await build({
        entryPoints: [path.join(root, 'bench/peak-wasm.ts')],
        bundle: true,
        format: 'esm',
        platform: 'node',
        write: false,
        define: { 'import.meta.url': JSON.stringify(`file://${root}/bench/peak-wasm.ts`) },
      });
      const code = Buffer.from(outputFiles[0].contents).toString('base64');
      const module = await import(`data:text/javascript;base64,${code}`);
      return { contents: module.peakWasm(name), loader: 'binary' };
    });
  },
};

const options = {
  ...bundling,
  absWorkingDir: folder,
  entryPoints: { main: 'src/main.ts', worker: 'src/worker.ts' },
  outdir: dist,
  platform: 'browser',
  conditions: ['browser'],
  packages: undefined,
  external: [],
  minify: true,
  loader: { '.txt': 'text' },
  plugins: [...bundling.plugins, peakWasm],
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
for (const file of ['index.html', 'style.css']) cpSync(path.join(folder, file), path.join(dist, file));
// from which threads start
cpSync(path.join(root, 'dist/browser/filigree-worker.js'), path.join(dist, 'filigree-worker.js'));
// for hosts that read such files: threads need shared memory, and that an isolated page
writeFileSync(
  path.join(dist, '_headers'),
  '/*\n  Cross-Origin-Opener-Policy: same-origin\n  Cross-Origin-Embedder-Policy: require-corp\n',
);
await build(options);

if (process.argv.includes('--serve')) {
  const { port } = await (await context(options)).serve({ servedir: dist });
  console.log(`http://localhost:${port}`);
} else console.log(`built: ${path.relative(process.cwd(), dist) || dist}`);
