// Runs a TypeScript source on Node 20, which cannot by itself:
//
//   node scripts/run.mjs bench/kernels.ts [arguments]
//
// Bundles the entry into node_modules/.cache/filigree and imports it. `import.meta.url` stays each source file's own, so
// that files beside a source are found.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../', import.meta.url);

const ownUrls = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const contents = source
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
      return { contents, loader: 'ts' };
    });
  },
};

const hosts = fileURLToPath(new URL('test/hosts/', root));

/** Packages stay outside the bundle; sources in test/hosts find those that are installed there. */
const packagesOutside = {
  name: 'packages-outside',
  setup({ onResolve, resolve: resolvePath }) {
    onResolve({ filter: /^[^./#]/ }, async ({ path, importer, kind, pluginData }) => {
      if (kind === 'entry-point' || pluginData === packagesOutside) return undefined;
      const isThere = importer.startsWith(hosts) && existsSync(`${hosts}node_modules/${path}`);
      if (!isThere) return { path, external: true };
      const found = await resolvePath(path, { resolveDir: dirname(importer), kind, pluginData: packagesOutside });
      return { path: pathToFileURL(found.path).href, external: true };
    });
  },
};

const [entry, ...rest] = process.argv.slice(2);
if (!entry) {
  console.error('usage: node scripts/run.mjs SOURCE.ts [arguments]');
  process.exit(1);
}
const cache = new URL('node_modules/.cache/filigree/', root);
await mkdir(cache, { recursive: true });
const bundle = new URL(`${basename(entry, '.ts')}-${process.pid}.mjs`, cache);
await build({
  entryPoints: [resolve(entry)],
  outfile: fileURLToPath(bundle),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  plugins: [packagesOutside, ownUrls],
  logLevel: 'warning',
});
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], resolve(entry), ...rest];
try {
  await import(bundle.href);
} finally {
  await rm(bundle, { force: true });
}
