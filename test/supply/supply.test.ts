// What someone who installs the package gets, and from whom.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readHeader } from '../../src/artifact/read.ts';
import { root } from '../hosts/project.ts';

const text = (file: string) => readFileSync(path.join(root, file), 'utf8');

interface Locked {
  version: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  peer?: boolean;
  link?: boolean;
  hasInstallScript?: boolean;
}
const locked = (file: string) =>
  Object.entries((JSON.parse(text(file)) as { packages: Record<string, Locked> }).packages).filter(([at]) => at !== '');
const nameOf = (at: string) => at.replace(/^.*node_modules\//, '');

/** All that is installed with the package, by name, and under which licence. docs/trust.md and NOTICE say what for. */
const production: Record<string, string> = {
  '@jsquash/jpeg': 'Apache-2.0',
  '@jsquash/png': 'Apache-2.0',
  '@jsquash/webp': 'Apache-2.0',
  commander: 'MIT',
  fflate: 'MIT',
  flatbuffers: 'Apache-2.0',
  pbf: 'BSD-3-Clause',
  'protocol-buffers-schema': 'MIT',
  'resolve-protobuf-schema': 'MIT',
  'wasm-feature-detect': 'Apache-2.0',
};

/** Where no other is named, npm's own. */
const registry = /^https:\/\/registry\.npmjs\.org\//;

/** Licences that what we build and test with may have. */
const allowed =
  /^\(?(MIT|MIT-0|ISC|0BSD|BlueOak-1\.0\.0|BSD-[23]-Clause|Apache-2\.0|Unlicense|CC0-1\.0|CC-BY-4\.0|Python-2\.0|MPL-2\.0|Zlib)( (OR|AND) .*)?\)?$/;

describe('dependencies', () => {
  const installed = locked('package-lock.json').filter(([, { dev, peer }]) => !dev && !peer);

  it('are the ones that are listed, under the licences that are listed', () => {
    expect(Object.fromEntries(installed.map(([at, { license }]) => [nameOf(at), license]))).toEqual(production);
    for (const [name, licence] of Object.entries(production)) {
      const manifest = JSON.parse(text(`node_modules/${name}/package.json`)) as { license: string; scripts?: object };
      expect([name, manifest.license]).toEqual([name, licence]);
      // nothing of them runs when they are installed
      expect(Object.keys(manifest.scripts ?? {}).filter((script) => /^(pre|post)?install$/.test(script))).toEqual([]);
      const listed = new RegExp(`${name}[^a-z].*${licence}|${licence}.*${name}`, 's');
      expect(text('NOTICE')).toMatch(listed);
    }
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  });

  it('are pinned, and none is of the runtime', () => {
    const { dependencies, devDependencies } = JSON.parse(text('package.json')) as Record<
      string,
      Record<string, string>
    >;
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
    const { direct, named } = { direct: Object.keys(dependencies), named: text('docs/trust.md') };
    for (const name of direct) expect(named).toContain(name.replace('@jsquash/', ''));
    for (const entry of ['index', 'inline', 'kernels', 'browser/index', 'workerd/index', 'edge-light/index']) {
      const code = text(`dist/${entry}.js`);
      const imports = [...code.matchAll(/(?<!["'\w])(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(
        ([, name]) => name,
      );
      expect({ entry, packages: imports.filter((name) => !/^(\.|node:|filigree[/ ])/.test(name)) }).toEqual({
        entry,
        packages: [],
      });
    }
  });

  it.each(['package-lock.json', 'test/hosts/package-lock.json'])(
    '%s: from the registry, with sums and licences',
    (file) => {
      for (const [at, { resolved, integrity, license, link }] of locked(file)) {
        if (link) continue;
        expect([at, resolved ?? 'https://registry.npmjs.org/']).toEqual([at, expect.stringMatching(registry)]);
        expect([at, integrity]).toEqual([at, expect.stringMatching(/^sha512-/)]);
        expect([at, license]).toEqual([at, expect.stringMatching(allowed)]);
      }
    },
  );
});

describe('the package', () => {
  interface Packed {
    size: number;
    files: { path: string; size: number }[];
  }
  const pack = () => {
    const options = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    return (JSON.parse(execFileSync('npm', options, { cwd: root, encoding: 'utf8', stdio: 'pipe' })) as Packed[])[0];
  };

  it('holds only built files', () => {
    const { files, size } = pack();
    const paths = files.map((file) => file.path);
    expect(paths.filter((file) => !file.startsWith('dist/')).sort()).toEqual([
      'LICENSE',
      'NOTICE',
      'README.md',
      'package.json',
    ]);
    expect(paths.filter((file) => !/\.(js|d\.ts|wasm|filigree|map)$|^[^/]+$/.test(file))).toEqual([]);
    expect(
      paths.filter((file) => /\b(test|bench)|fixture|\.env|\.npy$/i.test(file) && !file.endsWith('.d.ts')),
    ).toEqual([]);
    // maps are beside minified files, and contain only our sources
    for (const map of paths.filter((file) => file.endsWith('.map'))) {
      const { sources } = JSON.parse(text(map)) as { sources: string[] };
      expect([map, sources.filter((source) => !/^(\.\.\/)*(src\/|wasm)|^[\w.-]+$/.test(source))]).toEqual([map, []]);
    }
    expect(size).toBeLessThan(8.2e6); // 5.3 MB of it models, compressed, and half of those `imagenet`
  });

  it('has no code that a content security policy would have to allow', () => {
    const files = readdirSync(path.join(root, 'dist'), { recursive: true, encoding: 'utf8' });
    const scripts = files.filter((file) => file.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(20);
    const found = scripts.filter((file) =>
      /\beval\s*\(|\bFunction\s*\(|\bsetTimeout\s*\(\s*["'`]/.test(text(`dist/${file}`)),
    );
    expect(found).toEqual([]);
  });

  it('does nothing when it is imported', () => {
    const entries = ['index', 'inline', 'kernels', 'images', 'bulk', 'compile', 'browser/index'];
    for (const entry of entries) {
      const url = pathToFileURL(path.join(root, `dist/${entry}.js`)).href;
      const script = `
        const look = () => ({
          globals: Reflect.ownKeys(globalThis).map(String).sort(),
          listeners: process.eventNames().map(String).sort(),
          resources: process.getActiveResourcesInfo().filter((name) => !/^(TTYWrap|PipeWrap|.*Req.*)$/.test(name)).sort(),
          prototypes: [Array, Object, Promise, Uint8Array, Map, String].map((c) => Reflect.ownKeys(c.prototype).length),
        });
        const before = look();
        await import(${JSON.stringify(url)});
        console.log(JSON.stringify([before, look()]));
      `;
      const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
      const [before, after] = JSON.parse(out) as object[];
      expect({ entry, ...after }).toEqual({ entry, ...before });
    }
    expect((JSON.parse(text('package.json')) as { sideEffects: boolean }).sideEffects).toBe(false);
  });

  it('says whose models it holds', () => {
    const models = readdirSync(path.join(root, 'dist/models'));
    expect(models.length).toBeGreaterThan(0);
    for (const file of models) {
      expect(text('NOTICE')).toContain(`dist/models/${file}`);
      const { metadata } = readHeader(readFileSync(path.join(root, 'dist/models', file)), file);
      const { metadata: own } = JSON.parse(metadata.program as string) as { metadata: Record<string, unknown> };
      expect(own).toMatchObject({ license: 'Apache-2.0', copyright: expect.any(String), source: expect.any(Object) });
    }
  });

  it('has the wasm that its sources make', () => {
    const out = execFileSync(process.execPath, ['scripts/reproduce.mjs', '1'], { cwd: root, encoding: 'utf8' });
    expect(out).toContain('src/hosts/wasm: the same bytes');
    expect(out).toContain('dist/wasm: the same bytes');
  });
});
