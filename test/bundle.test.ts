// What bundlers for pages make of the public entry points.
import { build, type BuildOptions } from 'esbuild';
import { expect, it } from 'vitest';
import { writeArtifact } from '../src/artifact/write.ts';
import { defaultCostModel } from '../src/lower/cost.ts';
import { lowerGraph } from '../src/compile/lower-graph.ts';
import { oneNode } from './program.ts';

const { plugins } = (
  (await import(new URL('../scripts/bundle.mjs', import.meta.url).href)) as { bundling: BuildOptions }
).bundling;

const bundle = (entry: string, host: BuildOptions = { platform: 'browser' }) =>
  build({
    ...host,
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    format: 'esm',
    minify: true,
    target: 'es2023',
    plugins,
    write: false,
    outdir: 'nowhere',
    metafile: true,
    logLevel: 'silent',
  });

it.each(['index', 'inline', 'kernels', 'compile', 'prune'])('src/%s.ts is bundled for browsers', async (entry) => {
  const { errors, warnings, metafile } = await bundle(entry);
  expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  expect(imports).toEqual([]); // nothing that the page would have to have
});

it('src/inline.ts runs the builds that it embeds, on one thread and on two', async () => {
  const anywhere: BuildOptions = { platform: 'neutral', conditions: ['inline'], external: ['node:*'] }; // as it is published
  const { outputFiles } = await bundle('inline', anywhere);
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  const { loadModel } = await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`);
  const artifact = writeArtifact(lowerGraph(oneNode('unary', { fn: 'abs' }, [[1, 4]], []), defaultCostModel));
  for (const build of ['simd', 'relaxed'] as const) {
    for (const threads of [1, 2]) {
      const model = await loadModel(artifact, { build, threads });
      expect(model.info).toMatchObject({ build, threads, notes: [] });
      model.dispose();
    }
  }
});
