// Bundles an entry point with its lazy parts: each module that `import()` names becomes a bundle beside it, of the same name.
//
// Entry points and lazy parts share no chunks: a cold start reads one file, and one more for each part that it needs. Code that
// several parts use (errors, checked fields) is small, and is copied into each of them.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve as resolvePath } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

/** Embeds `FILE.wasm?deflated` in base64, deflated: src/hosts/inflate.ts says why. */
const deflatedWasm = {
  name: 'deflated-wasm',
  setup({ onLoad }) {
    onLoad({ filter: /\.wasm$/ }, ({ path, suffix }) => {
      if (suffix !== '?deflated') return undefined;
      return { contents: deflateRawSync(readFileSync(path), { level: 9, memLevel: 9 }), loader: 'binary' };
    });
  },
};

export const bundling = {
  bundle: true,
  format: 'esm',
  target: 'es2023',
  packages: 'external',
  external: ['node:*', 'filigree/*'],
  platform: 'neutral',
  plugins: [deflatedWasm],
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

/** Marks what this plugin looks up itself. */
const lookedUp = {};

/**
 * @param entry path of a module
 * @param options of esbuild, including `outdir`; `plugins` run before ours, `external` adds to the modules that always are. Lazy parts
 * in `whole` are not split off. With
 * `apart`, modules that the entry imports become parts too, the rest of it `core.js`, and the entry names what is where: bundlers then
 * leave out what an app does not use, whose statements they cannot judge
 * @returns name → { bytes, lazy: whether it is loaded by `import()` } of each file
 */
export async function bundleLazily(entry, { plugins = [], external = [], whole = [], apart = [], ...options }) {
  const written = new Map();
  const waiting = [{ path: resolvePath(entry), name: basename(entry, '.ts'), lazy: false }];
  for (const { path, name, lazy } of waiting) {
    const isSplit = apart.length > 0 && path === waiting[0].path;
    const plugin = {
      name: 'lazy',
      setup({ onResolve, resolve }) {
        onResolve({ filter: /^(\.\.?\/|#)/ }, async ({ kind, path: imported, ...rest }) => {
          const isLazy = kind === 'dynamic-import' && !whole.includes(imported);
          if (!isLazy && !(kind === 'import-statement' && apart.includes(imported))) return undefined;
          if (rest.pluginData === lookedUp) return undefined;
          const found = await resolve(imported, { ...rest, kind: 'import-statement', pluginData: lookedUp });
          const path = found.path + found.suffix;
          const part = { path, name: basename(imported, '.ts').replace(/#|\?.*/, ''), lazy: isLazy };
          const known = waiting.find((other) => other.name === part.name);
          if (known && known.path !== part.path) throw new Error(`two lazy parts are named ${part.name}`);
          if (!known) waiting.push(part);
          return { path: `./${part.name}.js`, external: true, sideEffects: false };
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
      entryPoints: { [isSplit ? 'core' : name]: path },
      outbase: dirname(path),
      plugins: [...bundling.plugins, ...plugins, plugin],
    });
    const [{ bytes, exports }] = Object.values(metafile.outputs).filter((output) => output.entryPoint);
    written.set(`${isSplit ? 'core' : name}.js`, { bytes, lazy, exports, contents: outputFiles?.at(-1).contents });
  }
  if (apart.length > 0) writeIndex(written, options);
  return written;
}

/** Writes the entry of parts that are loaded at once: each name from the part that has it. */
function writeIndex(written, { outdir, write }) {
  const parts = [...written].filter(([, { lazy }]) => !lazy).toReversed(); // the core comes last: it has all names
  const all = parts.at(-1)[1].exports;
  const taken = new Set();
  let text = '';
  for (const [file, { exports }] of parts) {
    const names = exports.filter((name) => all.includes(name) && !taken.has(name));
    for (const name of names) taken.add(name);
    text += `export { ${names.join(', ')} } from './${file}';\n`;
  }
  const contents = new TextEncoder().encode(text);
  written.set('index.js', { bytes: contents.length, lazy: false, contents });
  if (write !== false) writeFileSync(`${outdir}/index.js`, text);
}
