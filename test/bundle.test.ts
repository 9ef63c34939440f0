// What bundlers for pages make of the public entry points.
import { build } from 'esbuild';
import { expect, it } from 'vitest';

it.each(['index', 'inline', 'kernels', 'compile/index'])('src/%s.ts is bundled for browsers', async (entry) => {
  const { errors, warnings, metafile } = await build({
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    format: 'esm',
    minify: true,
    platform: 'browser',
    loader: { '.wasm': 'binary' },
    write: false,
    outdir: 'nowhere',
    metafile: true,
    logLevel: 'silent',
  });
  expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  expect(imports).toEqual([]); // nothing that the page would have to have
});
