// Compiles the package's models with its own compiler.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A recipe of this folder, bundled and imported. */
async function recipe(file) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    format: 'esm',
    write: false,
  });
  return import('data:text/javascript;base64,' + Buffer.from(outputFiles[0].contents).toString('base64'));
}

/** Writes every artifact into models/ of the built package, whose folder is a URL that ends in a slash. */
export async function buildModels(dist) {
  const { compileModel } = await import(new URL('compile.js', dist));
  const directory = new URL('models/', dist);
  const { faceDetection } = await recipe('face-detection.ts');
  await mkdir(directory, { recursive: true });
  // objects.ts and imagenet.ts make these from networks and photographs outside the repository
  for (const name of ['objects', 'objects-small', 'imagenet']) {
    await copyFile(new URL(`${name}.filigree`, import.meta.url), new URL(`${name}.filigree`, directory));
  }
  for (const { name, source, metadata } of [faceDetection]) {
    const path = new URL(`../node_modules/${source.package}/${source.file}`, import.meta.url);
    const artifact = compileModel(await readFile(path), { name, metadata: { ...metadata, source } });
    await writeFile(new URL(`${name}.filigree`, directory), artifact);
    console.log(`${name}.filigree  ${artifact.length} bytes`);
  }
}
