// Bundles an entry point with its lazy parts: each module that `import()` names becomes a bundle beside it, of the same name.
//
// Entry points and lazy parts share no chunks: a cold start reads one file, and one more for each part that it needs. Code that
// several parts use (errors, checked fields) is small, and is copied into each of them.
import { basename, dirname, resolve as resolvePath } from 'node:path';
import { build } from 'esbuild';

export const bundling = {
  bundle: true,
  format: 'esm',
  target: 'es2023',
  packages: 'external',
  external: ['node:*', 'filigree/*'],
  platform: 'neutral',
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
  define: { 'import.meta.oneThread': 'false' },
};

/**
 * Bundles these packages with everything that they import; others are imported at run time. Replaces
 * `packages: 'external'`.
 */
export const bundled = (packages) => ({
  name: 'bundled',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./#]/ }, ({ kind, path, importer }) => {
      const isOwn = kind === 'entry-point' || importer.includes('/node_modules/');
      if (isOwn || packages.some((name) => path === name || path.startsWith(`${name}/`))) return undefined;
      return { path, external: true };
    });
  },
});

/**
 * @param entry path of a module
 * @param options of esbuild, including `outdir`; `plugins` run before ours, `external` adds to the modules that always are. Lazy parts
 * in `whole` are not split off
 * @returns name → { bytes, lazy: whether it is loaded by `import()` } of each file
 */
export async function bundleLazily(entry, { plugins = [], external = [], whole = [], ...options }) {
  const written = new Map();
  const waiting = [{ path: resolvePath(entry), name: basename(entry, '.ts'), lazy: false }];
  for (const { path, name, lazy } of waiting) {
    const plugin = {
      name: 'lazy',
      setup({ onResolve, resolve }) {
        onResolve({ filter: /^(\.\.?\/|#)/ }, async ({ kind, path: imported, ...rest }) => {
          if (kind !== 'dynamic-import' || whole.includes(imported)) return undefined;
          const { path } = await resolve(imported, { ...rest, kind: 'import-statement' });
          const part = { path, name: basename(imported, '.ts').replace('#', ''), lazy: true };
          const known = waiting.find((other) => other.name === part.name);
          if (known && known.path !== part.path) throw new Error(`two lazy parts are named ${part.name}`);
          if (!known) waiting.push(part);
          return { path: `./${part.name}.js`, external: true };
        });
      },
    };
    const { outputFiles, metafile } = await build({
      ...bundling,
      metafile: true,
      ...options,
      // the part that threads load divides work
      define: { 'import.meta.oneThread': String(name !== 'threads') },
      external: [...bundling.external, ...external],
      entryPoints: { [name]: path },
      outbase: dirname(path),
      plugins: [...plugins, plugin],
    });
    const [size] = Object.values(metafile.outputs).filter((output) => output.entryPoint);
    written.set(`${name}.js`, { bytes: size.bytes, lazy, contents: outputFiles?.at(-1).contents });
  }
  return written;
}
