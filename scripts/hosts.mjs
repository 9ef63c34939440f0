// What differs between the bundles for Node and those for hosts that cannot read files.
import { readFileSync } from 'node:fs';

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

/**
 * What bundling for a host adds to esbuild's options. Its conditions choose the modules of `imports` in package.json: `#wasm`, `#threads`
 * and so on. Edge functions import wasm from where the published file lies. Modules that only say what a host lacks are not
 * parts of their own: `whole`.
 */
export const hostOptions = {
  browser: { conditions: ['browser'], whole: ['#encoded-image'], apart: ['./vision/draw.ts'] },
  workerd: {
    conditions: ['workerd'],
    external: ['../wasm/*'],
    whole: ['#threads', '#encoded-image', '#worker-detector'],
  },
  'edge-light': {
    conditions: ['edge-light'],
    external: ['../wasm/*'],
    whole: ['#threads', '#encoded-image', '#worker-detector'],
  },
};
