// Dependencies point one way (cli → compile → artifact ← runtime ← vision), and what a page or an edge function loads
// holds nothing of the compiler. The bundler's own record of what went where is what is checked.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Source files that an entry point pulls in, by path from the repository's root. */
async function bundled(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    packages: 'external',
    external: ['node:*'],
    metafile: true,
    write: false,
    outdir: 'unused',
  });
  return Object.keys(metafile.inputs);
}

/** The folder of src/ that a file is in, and those that it imports from, types left out. */
function importedFolders(folder: string): Set<string> {
  const folders = new Set<string>();
  const base = `${root}src/${folder}/`;
  for (const file of readdirSync(base, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const source = readFileSync(base + file, 'utf8');
    for (const [, clause, from] of source.matchAll(/^(?:import|export) ([^;]*?)from '([^']+)';/gms)) {
      if (clause.startsWith('type ') || !from.startsWith('.')) continue;
      const path = new URL(from, `file://${base}${file}`).pathname.slice(`${root}src/`.length);
      if (path.includes('/')) folders.add(path.split('/')[0]);
    }
  }
  folders.delete(folder);
  return folders;
}

describe('the runtime', () => {
  it('pulls in nothing of the compiler', async () => {
    const files = await bundled('src/index.ts');
    expect(files).toContain('src/runtime/load.ts');
    const foreign = files.filter((file) =>
      /^src\/(graph|ops|import|export|passes|lower|compile|prune|formats|evaluate|cli|images)\//.test(file),
    );
    // the names that an ONNX file gives its classes are in its artifact as they were: read when a head is recognised
    expect(foreign).toEqual(['src/formats/python-names.ts']);
  });

  it('has no dependencies', async () => {
    const files = await bundled('src/index.ts');
    expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
  });
});

describe('folders import one way', () => {
  it.each([
    ['program', []],
    ['artifact', ['program']],
    ['runtime', ['artifact', 'program']],
    ['vision', ['runtime', 'program', 'formats']],
    ['formats', []],
    ['graph', ['ops', 'program']],
    ['ops', ['graph', 'lower', 'program']],
    ['lower', ['graph', 'ops', 'program']],
    ['passes', ['graph', 'ops', 'program']],
    ['import', ['graph', 'ops', 'passes', 'program', 'formats']],
    ['compile', ['graph', 'ops', 'lower', 'passes', 'import', 'program', 'artifact', 'runtime', 'vision']],
    ['prune', ['graph', 'ops', 'passes', 'lower', 'compile', 'program', 'artifact', 'runtime', 'formats']],
  ])('%s imports at most from %j', (folder, allowed) => {
    const found = [...importedFolders(folder)];
    expect(found.filter((other) => !allowed.includes(other))).toEqual([]);
  });

  it.each(['runtime', 'import'])('%s knows nothing of vision, not even its types', (folder) => {
    const base = `${root}src/${folder}/`;
    const files = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(10);
    const foreign = files.filter((file) =>
      /(?:from |import\()'[^']*\/vision\//.test(readFileSync(base + file, 'utf8')),
    );
    expect(foreign).toEqual([]);
  });
});
