// An example of the repository as in a clone, built and started by the commands of its README.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { root } from './project.ts';

export interface Example {
  folder: string;
  readme: string;
  scripts: Record<string, string>;
  /** `npm run NAME` */
  run(name: string): Promise<void>;
}

interface Manifest {
  version: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}
const manifestIn = (folder: string) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;

/**
 * Copies what `git clone` and `npm install` leave: the repository with the package built, and the example, which has the
 * repository itself as `node_modules/filigree`. Other dependencies are those that the tests have installed.
 * @throws Error when the tests have another version of a dependency, or its README does not say these commands
 */
export function cloneExample(name: string): Example {
  const clone = mkdtempSync(path.join(tmpdir(), 'filigree-clone-'));
  afterAll(() => rmSync(clone, { recursive: true, force: true }));
  for (const part of ['package.json', 'tsconfig.json', 'dist', 'src'])
    cpSync(path.join(root, part), path.join(clone, part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(clone, 'node_modules'));
  const source = path.join(root, 'examples', name);
  const folder = path.join(clone, 'examples', name);
  const made = /^(node_modules|dist|public\/models)(\/|$)/;
  cpSync(source, folder, { recursive: true, filter: (file) => !made.test(path.relative(source, file)) });

  const { dependencies, devDependencies, scripts } = manifestIn(folder);
  const modules = path.join(folder, 'node_modules');
  for (const [dependency, wanted] of Object.entries({ ...dependencies, ...devDependencies })) {
    const link = path.join(modules, dependency);
    mkdirSync(path.dirname(link), { recursive: true });
    if (wanted === 'file:../..') {
      symlinkSync('../../..', link);
      continue;
    }
    const installed = [root, path.join(root, 'test/hosts')].map((at) => path.join(at, 'node_modules', dependency));
    const found = installed.find((at) => existsSync(at) && manifestIn(at).version === wanted);
    if (!found) throw new Error(`examples/${name} wants ${dependency} ${wanted}, which tests have not installed`);
    symlinkSync(found, link);
  }
  symlinkSync(path.join(root, 'test/hosts/node_modules/.bin'), path.join(modules, '.bin'));
  const readme = readFileSync(path.join(folder, 'README.md'), 'utf8');
  if (!readme.includes(`npm install\ncd examples/${name} && npm install`))
    throw new Error(`examples/${name}/README.md does not say how to install`);
  return {
    folder,
    readme,
    scripts,
    async run(script) {
      if (!readme.includes(`npm run ${script}`)) throw new Error(`the README does not say npm run ${script}`);
      // tests run with NODE_ENV=test, for which bundlers build other code
      const env = { ...process.env, NODE_ENV: undefined };
      await promisify(execFile)('npm', ['run', script], { cwd: folder, env });
    },
  };
}
