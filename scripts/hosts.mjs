// Modules of src/ that are replaced for hosts other than Node.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Replaces a module of src/ by another. */
export const replace = (name, other) => ({
  name: 'replace',
  setup({ onResolve }) {
    const path = fileURLToPath(new URL(`../src/${other}.ts`, import.meta.url));
    onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, () => ({ path }));
  },
});

/**
 * Gives modules that name a model of the package its digest, and its path relative to the bundle.
 * @param host '' for Node and other hosts whose bundles are at the root of dist/
 * @param digests of the files in dist/models/, by name
 */
export const shippedModels = (host, digests) => ({
  name: 'shipped-models',
  setup({ onLoad }) {
    onLoad({ filter: /\/shipped-[a-z-]+\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const [, file] = /'\.\/models\/([a-z-]+)\.filigree'/.exec(text) ?? [];
      if (!file) return undefined;
      if (!digests[file]) throw new Error(`${path}: no digest of ${file}.filigree`);
      const contents = text
        .replace('./models/', host ? '../models/' : './models/')
        .replace('import.meta.integrity', `'${digests[file]}'`);
      return { contents, loader: 'ts' };
    });
  },
});

/** For `browser`, `workerd` or `edge-light`: replaces the access to wasm files, and the threads, by the host's own. */
export const replacements = (host) => [
  replace('wasm-files', `hosts/${host}`),
  ...(host === 'browser'
    ? [replace('thread-host', 'hosts/browser-threads'), replace('encoded-image', 'hosts/browser-encoded-image')]
    : [
        replace('team', 'hosts/no-threads'),
        replace('shipped', `hosts/${host}-shipped`),
        replace('encoded-image', 'hosts/edge-encoded-image'),
      ]),
];
