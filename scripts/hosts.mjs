// Modules of src/ whose place others take where a host is not like Node.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Puts another module of src/ in a module's place. */
export const replace = (name, other) => ({
  name: 'replace',
  setup({ onResolve }) {
    const path = fileURLToPath(new URL(`../src/${other}.ts`, import.meta.url));
    onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, () => ({ path }));
  },
});

/**
 * Gives modules that name a model of the package its digest, and its place as seen from where the bundle lies.
 * @param host '' for Node and others whose bundles are at the root of dist/
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

/** For `browser`, `workerd` or `edge-light`: its own way to the wasm takes the place of the files, and its threads. */
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
