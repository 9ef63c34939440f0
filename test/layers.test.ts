// Dependencies point one way (cli → compile → artifact ← runtime ← vision), and what a page or an edge function loads
// holds nothing of the compiler: the bundler's own record of what went where says so.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const source = `${root}src/`;

/** Source files that an entry point pulls in, by path from the repository's root. */
async function bundled(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    packages: 'external',
    external: ['node:*', 'filigree/*'],
    metafile: true,
    write: false,
    outdir: 'unused',
  });
  return Object.keys(metafile.inputs);
}

/** What `imports` of package.json names: for each host, by its condition, the module that differs. Paths from src/. */
const hosted: Record<string, Record<string, string>> = Object.fromEntries(
  Object.entries(
    (JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { imports: Record<string, Record<string, string>> })
      .imports,
  ).map(([name, targets]) => [
    name,
    Object.fromEntries(Object.entries(targets).map(([host, path]) => [host, path.replace('./src/', '')])),
  ]),
);

/** Every module of src/ with those that it imports from: values and types, also by `import()`. Paths from src/. */
function readImports(): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const text = readFileSync(source + file, 'utf8');
    const paths = [...text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+\.ts|#[\w-]+)'/g)].map(([, path]) => path);
    imports.set(
      file,
      [...new Set(paths)].map((path) => hosted[path]?.default ?? posix.join(posix.dirname(file), path)),
    );
  }
  return imports;
}

/** The room that a module is in. What stands at the top is the room of its name, or is everybody's: undefined. */
function roomOf(file: string): string | undefined {
  if (file.includes('/')) return file.split('/')[0];
  return rooms.has(file.replace(/\.ts$/, '')) ? file.replace(/\.ts$/, '') : undefined;
}

/** Modules that import one another, the long way round as well: the strongly connected components (Tarjan 1972). */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const found = new Map<string, number>();
  const open: string[] = [];
  const visit = (file: string): number => {
    const own = found.size;
    let lowest = own;
    found.set(file, own);
    open.push(file);
    for (const other of imports.get(file) ?? []) {
      if (!found.has(other)) lowest = Math.min(lowest, visit(other));
      else if (open.includes(other)) lowest = Math.min(lowest, found.get(other)!);
    }
    if (lowest === own) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest;
  };
  for (const file of imports.keys()) if (!found.has(file)) visit(file);
  return circles;
}

describe('the runtime', () => {
  it('pulls in nothing of the compiler', async () => {
    const files = await bundled('src/index.ts');
    expect(files).toContain('src/runtime/load.ts');
    const foreign = files.filter((file) =>
      /^src\/(graph|ops|import|export|passes|lower|compile|prune|formats|evaluate|files|cli|images)\//.test(file),
    );
    // what an artifact's header is read with, and the names that an ONNX file gives its classes, which are in its artifact
    // as they were: read when a head is recognised
    expect(foreign.toSorted()).toEqual(['src/formats/json-object.ts', 'src/formats/python-names.ts']);
  });

  it('has no dependencies', async () => {
    const files = await bundled('src/index.ts');
    expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
  });
});

/** Each room of src/, and the rooms whose modules its own may import from. */
const rooms = new Map<string, string[]>([
  ['program', []],
  ['formats', []],
  ['files', []],
  ['artifact', ['formats', 'program']],
  ['runtime', ['artifact', 'program']],
  ['vision', ['formats', 'runtime', 'program']],
  ['images', ['vision']],
  ['hosts', ['images', 'runtime', 'vision']],
  ['graph', ['formats', 'ops', 'program']],
  ['ops', ['graph', 'lower', 'program']],
  ['lower', ['formats', 'graph', 'ops', 'program']],
  ['passes', ['graph', 'ops', 'program']],
  ['import', ['formats', 'graph', 'ops', 'passes', 'program']],
  ['export', ['graph', 'ops', 'program']],
  [
    'compile',
    ['formats', 'graph', 'ops', 'lower', 'passes', 'import', 'export', 'program', 'artifact', 'runtime', 'vision'],
  ],
  [
    'prune',
    ['graph', 'ops', 'passes', 'lower', 'compile', 'program', 'artifact', 'runtime', 'formats', 'hosts', 'vision'],
  ],
  ['evaluate', ['graph', 'compile', 'prune', 'program', 'artifact', 'runtime', 'vision', 'images', 'formats', 'files']],
  ['bulk', ['evaluate', 'files', 'vision']],
  [
    'cli',
    // prettier-ignore
    [
      'graph', 'import', 'lower', 'compile', 'prune', 'evaluate', 'program', 'artifact', 'runtime', 'vision', 'images',
      'formats', 'files', 'bulk',
    ],
  ],
]);

describe('rooms import one way', () => {
  const imports = readImports();

  it('are all listed', () => {
    const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const holding = folders
      .map(({ name }) => name)
      .filter((name) => [...imports.keys()].some((file) => file.startsWith(`${name}/`)));
    expect(holding).toEqual([...rooms.keys()].toSorted());
  });

  it('leave at the top entry points, and what every room uses', () => {
    const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { exports: object };
    const entries = Object.entries(exports).flatMap(([name, targets]) =>
      /^\.(\/\w+)?$/.test(name) && JSON.stringify(targets).includes('.js') ? [name] : [],
    );
    const everybodys = ['dtypes.ts', 'errors.ts', 'quantisation.ts', 'quantities.ts', 'tensor.ts'];
    expect([...imports.keys()].filter((file) => !file.includes('/')).toSorted()).toEqual(
      [...entries.map((name) => `${name.slice(2) || 'index'}.ts`), ...everybodys].toSorted(),
    );
  });

  it("have what differs between hosts by a name of package.json's imports", () => {
    expect(Object.keys(hosted)).toEqual(expect.arrayContaining(['#wasm', '#threads', '#codecs', '#models']));
    for (const targets of Object.values(hosted)) {
      expect(Object.keys(targets).at(-1)).toBe('default');
      for (const path of Object.values(targets)) expect(imports.has(path)).toBe(true);
    }
    const direct = [...imports.keys()].filter(
      (file) => !file.startsWith('hosts/') && /from '[^']*hosts\//.test(readFileSync(source + file, 'utf8')),
    );
    expect(direct).toEqual(['inline.ts']); // which takes the wasm along
  });

  it.each([...rooms])('%s imports at most from %j', (room, allowed) => {
    const own = [...imports].filter(([file]) => roomOf(file) === room);
    const foreign = own.flatMap(([file, paths]) => paths.filter((path) => !allows(path)).map((path) => [file, path]));
    function allows(path: string): boolean {
      const other = roomOf(path);
      if (Object.values(hosted).some((targets) => targets.default === path)) return true;
      return other === undefined || other === room || allowed.includes(other);
    }
    expect(own.length).toBeGreaterThan(0);
    expect(foreign).toEqual([]);
  });

  it('sees every way to import', () => {
    expect(imports.get('vision/create.ts')).toContain('vision/detector.ts'); // import()
    expect(imports.get('ops/operator.ts')).toContain('lower/lowering.ts'); // import type
    expect(imports.get('compile.ts')).toContain('export/onnx/index.ts'); // export … from
    expect(imports.get('runtime/load.ts')).toContain('hosts/threads.ts'); // of package.json
  });

  it('holds no circle of imports, types included, but that of the kernels and their rows', () => {
    // A row says what its kernel's record holds, pointers and constants among it; the program's steps are of those kernels.
    const isKernelRow = (file: string) =>
      /^program\/(constants|kernel|kernels|program|spmm-stream|kernels\/[\w-]+)\.ts$/.test(file);
    const circles = circlesOf(imports).filter((circle) => !circle.every(isKernelRow));
    expect(circles).toEqual([]);
  });

  it('finds a circle where there is one', () => {
    const made = new Map(Object.entries({ a: ['b'], b: ['c', 'd'], c: ['a'], d: ['e'], e: [] }));
    expect(circlesOf(made)).toEqual([['a', 'b', 'c']]);
  });
});
