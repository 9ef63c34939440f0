// Long lives: thousands of runs, loads, thread pools, calls at once and calls that are stopped, in every host that has
// threads. Short in `npm test`; `npm run soak` takes minutes and prints what it measured.
import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBrowser } from '../hosts/browser.ts';
import { chromium, firefox, isEngineInstalled, webKit } from '../hosts/engines.ts';
import type { Engine } from '../hosts/engines.ts';
import { patience } from '../patience.ts';
import { isInstalled, modelFile, photo, project, root } from '../hosts/project.ts';
import { isolation, serveFolder, strictPolicy } from '../hosts/site.ts';
import type { Soak } from './judge.ts';
import { residentBytes } from './resident.ts';
import { problems, shortTolerance, table, tableHead, tolerance } from './judge.ts';

/** vitest.config.ts tells: `npm run soak` is full. */
const full = process.env.FILIGREE_SOAK === 'full';

interface Counts {
  runs: number;
  loads: number;
  pools: number;
  models: number;
  calls: number;
  stops: number;
}

const all: Counts = full
  ? { runs: 10_000, loads: 1000, pools: 200, models: 50, calls: 200, stops: 300 }
  : { runs: 120, loads: 24, pools: 8, models: 3, calls: 4, stops: 8 };
const fewer = (counts: Counts, by: number): Counts => {
  const entries = Object.entries(counts).map(([name, count]) => [name, Math.max(3, Math.round(count / by))]);
  return Object.fromEntries(entries) as unknown as Counts;
};

const rows: string[] = [];

/** @param late the host gives memory back when it likes: what it holds at the end is judged, not what each phase adds */
function judge(host: string, report: Soak, late = false): void {
  rows.push(...table(host, report));
  if (process.env.FILIGREE_SOAK_SAMPLES) console.log(JSON.stringify(report));
  const tolerated = full ? tolerance : shortTolerance;
  expect(problems(report, late ? { ...tolerated, rss: Infinity } : tolerated)).toEqual([]);
  if (late) expect(report.last.rss! - report.phases[0].samples.at(-1)!.rss!).toBeLessThan(tolerated.rss);
  // some of what is stopped is stopped, and some is not
  expect(report.ends.disposed).toBeGreaterThan(0);
  expect(report.held).toBeGreaterThan(0);
}

const entry = `
import { soak } from './work.mjs';
import { watchWorkers } from './watch.mjs';
import { readFile, readdir } from 'node:fs/promises';
import { setInterval } from 'node:timers';

const unhandled = [];
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)));
const workers = watchWorkers(process.getBuiltinModule('node:worker_threads'));
const filigree = await import('filigree');
const { size: { width, height }, counts } = JSON.parse(process.argv[2]);
const photo = { data: new Uint8Array(await readFile('photo.rgb')), width, height, channels: 3 };
const gc = globalThis.Bun ? () => Bun.gc(true) : globalThis.gc;
const usage = async () => {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const threads = (await readdir('/proc/self/task').catch(() => [])).length;
  // Bun counts a part of memories that are shared as external, until threads end; its heap is told from time to time
  return globalThis.Bun ? { rss } : { rss, heap: heapUsed, external, arrayBuffers, ...(!globalThis.Deno && { threads }) };
};
const host = { gc, usage, workers };
const report = await soak(filigree, { model: () => 'face.filigree', photo, host }, counts);
console.log(JSON.stringify({ report, unhandled }));
// Nothing keeps the process alive. Turns of its clock are counted, not time: a busy machine makes them longer.
let turns = 0;
setInterval(() => ++turns === 30 && console.error('it lives on'), 100).unref();
`;

const modules = path.join(root, 'test/hosts/node_modules');
const everyHost = [
  { name: 'this Node', command: [process.execPath, '--expose-gc'], part: 1 },
  { name: 'Node 24', command: [path.join(modules, 'node-24/bin/node'), '--expose-gc'], part: 1, long: true },
  {
    name: 'Deno',
    command: [path.join(modules, '.bin/deno'), 'run', '--no-prompt', '--allow-all', '--v8-flags=--expose-gc'],
    part: full ? 5 : 4,
  },
  { name: 'Bun', command: [path.join(modules, '.bin/bun')], part: full ? 5 : 4 },
];

const hosts = everyHost.filter(({ long }) => full || !long);

describe('a long life', { timeout: full ? 12 * patience : patience }, () => {
  let folder: string;
  let size: object;

  beforeAll(async () => {
    const { data, ...rest } = await photo();
    size = rest;
    folder = project({
      'entry.mjs': entry,
      'photo.rgb': data,
      'work.mjs': readFileSync(new URL('work.mjs', import.meta.url)),
    });
  });
  afterAll(() => {
    if (full || process.env.FILIGREE_SOAK_SAMPLES) console.log([...tableHead, ...rows].join('\n'));
  });

  for (const { name, command, part } of hosts) {
    it.skipIf(!isInstalled(command[0]))(`in ${name}`, async () => {
      const [program, ...rest] = command;
      const given = JSON.stringify({ size, counts: fewer(all, part) });
      const { text, errors, code } = await ended(program, [...rest, 'entry.mjs', given], folder);
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      const { report, unhandled } = JSON.parse(text) as { report: Soak; unhandled: string[] };
      judge(name, report);
      expect(unhandled).toEqual([]);
    });
  }

  const browsers: Engine[] = [chromium, firefox, webKit];
  describe.each(browsers.map((engine) => [engine.name, engine] as const))('in %s', (name, engine) => {
    const browser = useBrowser(engine.collecting, engine);

    it.skipIf(!isEngineInstalled(engine))('is flat', async () => {
      const site = await buildSite(folder, size);
      const usage = { '/usage': () => ({ rss: residentBytes(process.pid, engine.pageProcess) }) };
      const { page, problems: complaints } = await browser.page(
        await serveFolder(site, { ...strictPolicy, ...isolation }, usage),
      );
      await page.waitForFunction(() => 'soak' in window);
      const { report, unhandled } = await page.evaluate(
        (counts) => (window as unknown as Page).soak(counts),
        fewer(all, full ? 5 : 4),
      );
      judge(name, report, engine === webKit);
      expect(unhandled).toEqual([]);
      expect(complaints).toEqual([]);
      await page.close();
    });
  });
});

const pageScript = `
import { soak } from './work.mjs';
import { watchWorkers } from './watch.mjs';
import * as filigree from 'filigree';

const workers = watchWorkers(globalThis);
// WebKit collects garbage when much has been allocated: these are never written to, and take no memory
const allocate = async () => {
  for (let i = 0; i < 64; i++) {
    new ArrayBuffer(2 ** 24);
    if (i % 8 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
};
const gc = globalThis.gc ?? globalThis.TestUtils?.gc ?? allocate;
window.unhandled = [];
addEventListener('unhandledrejection', ({ reason }) => window.unhandled.push(String(reason)));
window.soak = async (counts) => {
  const size = await (await fetch('/photo.json')).json();
  const photo = { ...size, data: new Uint8Array(await (await fetch('/photo.rgb')).arrayBuffer()) };
  // drivers have browsers keep the body of what is fetched, up to 200 MB
  const file = await (await fetch('/face.filigree')).arrayBuffer();
  const model = () => new Response(file);
  const usage = async () => (await fetch('/usage')).json();
  const report = await soak(filigree, { model, photo, host: { gc, usage, workers } }, counts);
  return { report, unhandled: window.unhandled };
};
`;

/** @returns the folder of the site */
async function buildSite(folder: string, size: object): Promise<string> {
  writeFileSync(path.join(folder, 'page.js'), pageScript);
  const site = path.join(folder, 'site');
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
  copyFileSync(modelFile, path.join(site, 'face.filigree'));
  copyFileSync(path.join(root, 'dist/browser/filigree-worker.js'), path.join(site, 'filigree-worker.js'));
  copyFileSync(path.join(folder, 'photo.rgb'), path.join(site, 'photo.rgb'));
  writeFileSync(path.join(site, 'photo.json'), JSON.stringify(size));
  writeFileSync(path.join(site, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(
    path.join(site, 'index.html'),
    '<!doctype html><link rel="icon" href="/icon.svg"><script type="module" src="/page.js"></script>',
  );
  return site;
}

interface Page {
  soak(counts: Counts): Promise<{ report: Soak; unhandled: string[] }>;
}

/** Runs a program. */
function ended(program: string, args: string[], cwd: string) {
  return new Promise<{ text: string; errors: string; code: number | null }>((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ text, errors, code }));
  });
}
