// Every browser: a page, a module worker and a service worker, under a strict content security policy.
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { networks } from '../../models/index.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import type { Detection } from '../../src/index.ts';
import { useBrowser } from './browser.ts';
import { engines, isEngineInstalled } from './engines.ts';
import { entries, work } from './page-scripts.ts';
import type { PageWindow } from './page-scripts.ts';
import type { Report } from './project.ts';
import {
  expectFileFailures,
  expectOneThread,
  expectReport,
  expectSameFaces,
  expectThreads,
  modelFile,
  photo,
  project,
  root,
  facesIn,
} from './project.ts';
import { isolation, serveFolder, strictPolicy } from './site.ts';

const notIsolated =
  'the page is not isolated, so it has no shared memory; its headers must say ' +
  'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
const inServiceWorker = 'nothing can start workers here, as in a service worker';

const places = { report: 'page', worker: 'module worker', serviceWorker: 'service worker' } as const;

let folder: string;
let wanted: Detection[];

beforeAll(async () => {
  const { data, ...size } = await photo();
  folder = project({ 'work.js': work, ...entries });
  const common = {
    absWorkingDir: folder,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'site',
    logLevel: 'error',
  } as const;
  await build({ ...common, entryPoints: ['page.js', 'worker.js'], splitting: true });
  // service workers have no import(): one script
  await build({ ...common, entryPoints: ['service.js'], format: 'iife' });
  const site = path.join(folder, 'site');
  copyFileSync(modelFile, path.join(site, 'face.filigree'));
  // as pages do whose bundler leaves the file behind
  for (const worker of ['filigree-worker.js', 'detector-worker.js']) {
    copyFileSync(path.join(root, 'dist/browser', worker), path.join(site, worker));
  }
  const large = networks['mobilenet-v1']({ resolution: 448, classes: 10 });
  writeFileSync(path.join(site, 'large.filigree'), writeArtifact(compileGraph(large)));
  copyFileSync(path.join(root, 'node_modules/@vladmandic/face-api/demo/sample5.jpg'), path.join(site, 'photo.jpg'));
  writeFileSync(path.join(site, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(path.join(site, 'photo.rgb'), data);
  writeFileSync(path.join(site, 'photo.json'), JSON.stringify(size));
  writeFileSync(
    path.join(site, 'index.html'),
    '<!doctype html><link rel="icon" href="/icon.svg"><script type="module" src="/page.js"></script>',
  );
  wanted = await facesIn({ data, ...size });
});

describe.each(engines.map((engine) => [engine.name, engine] as const))('%s', (_, engine) => {
  const browser = useBrowser([], engine);
  const missing = !isEngineInstalled(engine);
  const onThreads = it.skipIf(missing || engine.oneThread !== undefined);
  const onOneThread = it.skipIf(missing || engine.onlyThreads);

  for (const [where, headers] of [
    ['', strictPolicy],
    [', isolated', { ...strictPolicy, ...isolation }],
  ] as const) {
    for (const place of Object.keys(places) as (keyof typeof places)[]) {
      const retry = engine.mayHang ? 1 : 0;
      (where ? it.skipIf(missing) : onOneThread)(
        `finds the same faces in a ${places[place]}${where}`,
        { retry },
        async () => {
          const site = await serveFolder(path.join(folder, 'site'), headers);
          const { page, problems } = await browser.page(site);
          await page.waitForFunction(() => 'report' in window);
          const report: Report = await page.evaluate((name) => (window as unknown as PageWindow)[name]([1, 2]), place);
          expectReport(report, wanted);
          const bare = place === 'serviceWorker' && engine.bareServiceWorkers;
          if (!where || bare) expectOneThread(report, notIsolated);
          else if (engine.oneThread) expectOneThread(report, engine.oneThread);
          else if (place === 'serviceWorker') expectOneThread(report, inServiceWorker);
          else expectThreads(report);
          expectFileFailures(report);
          expect(report.runs[0].build).toBe(engine.build);
          // the files that are asked for in vain
          expect(problems.filter((problem) => !problem.includes('/missing.file'))).toEqual([]);
          await page.close();
        },
      );
    }
  }

  onThreads(
    'starts workers from a Blob where their file is missing, and says why where that is not allowed',
    async () => {
      const bare = path.join(folder, 'bare');
      cpSync(path.join(folder, 'site'), bare, { recursive: true });
      rmSync(path.join(bare, 'filigree-worker.js'));
      for (const [policy, threads] of [
        [{}, 2],
        [strictPolicy, 1],
      ] as const) {
        const site = await serveFolder(bare, { ...isolation, ...policy });
        const { page } = await browser.page(site);
        await page.waitForFunction(() => 'report' in window);
        const info = await page.evaluate(() => (window as unknown as PageWindow).twoThreads());
        expect(info.threads).toBe(threads);
        if (threads === 1) {
          const [, why] = /^runs on one thread: (.*)$/.exec(info.notes.at(-1)!)!;
          // engines have words of their own for what is not allowed
          expect(why.replace('(The operation is insecure.)', '(it is not there, or not allowed)')).toBe(
            'no worker starts: neither from filigree-worker.js beside the script (it is not there, or ' +
              'not allowed) nor from a Blob (it is not there, or not allowed); put filigree/filigree-worker.js there, or ' +
              'let the content security policy have worker-src blob:',
          );
        }
        await page.close();
      }
    },
  );

  onThreads('leaves the thread of a page free while a model runs on threads', async () => {
    const site = await serveFolder(path.join(folder, 'site'), { ...strictPolicy, ...isolation });
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'longRun' in window);
    const { computes, turns, threads, same } = await page.evaluate(() => (window as unknown as PageWindow).longRun());
    expect([threads, same]).toEqual([2, true]);
    // on one thread the page computes; on two it copies inputs and outputs, and a page that waits would turn once
    expect(computes).toEqual([1, 0]);
    expect(turns).toBeGreaterThan(20);
    expect(problems).toEqual([]);
    await page.close();
  });

  onThreads('fails a run when the browser has ended all workers without a word', async () => {
    const site = await serveFolder(path.join(folder, 'site'), { ...strictPolicy, ...isolation });
    const { page } = await browser.page(site);
    await page.waitForFunction(() => 'silentDeath' in window);
    const { code, message, waits } = await page.evaluate(() => (window as unknown as PageWindow).silentDeath());
    expect([code, message]).toEqual([
      'environment',
      expect.stringContaining('a thread has failed: none has answered for 35 s'),
    ]);
    expect(waits.reduce((a, b) => a + b)).toBe(35_000);
    await page.close();
  });

  onOneThread.each([false, true])('takes every kind of image that a page has (in a worker: %s)', async (worker) => {
    const site = await serveFolder(path.join(folder, 'site'), strictPolicy);
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'images' in window);
    const found: Record<string, Detection[]> = await page.evaluate(
      (of) => (window as unknown as PageWindow).images(of),
      worker,
    );
    expect(Object.keys(found).length).toBe(10);
    for (const detections of Object.values(found)) {
      expect(detections.length).toBe(5);
      expectSameFaces(detections, found.imageData);
    }
    expect(problems).toEqual([]);
    await page.close();
  });

  onOneThread("decodes and encodes by the browser's own codecs", async () => {
    const site = await serveFolder(path.join(folder, 'site'), strictPolicy);
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'codecs' in window);
    expect(await page.evaluate(() => (window as unknown as PageWindow).codecs())).toEqual({
      width: 1920,
      height: 1398,
      same: true,
      failure: expect.stringContaining('image: not an image that this host can decode'),
    });
    expect(problems).toEqual([]);
    await page.close();
  });

  onOneThread.each(engine.streams.flatMap((kind) => [false, true].map((worker) => [kind, worker] as const)))(
    'follows faces in a stream (%s, in a worker: %s)',
    async (kind, worker) => {
      const site = await serveFolder(path.join(folder, 'site'), strictPolicy);
      const { page, problems } = await browser.page(site);
      await page.waitForFunction(() => 'tracks' in window);
      const how = { kind, worker };
      const { frames, times } = await page.evaluate((of) => (window as unknown as PageWindow).tracks(of), how);
      const ids = frames.map((list) => list.toSorted((a, b) => a - b));
      if (engine.blankStart) while (ids[0]?.length === 0) ids.shift();
      expect(ids.length).toBeGreaterThan(5);
      expect(ids).toEqual(ids.map(() => [1, 2, 3, 4, 5]));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(new Set(times).size).toBe(8);
      expect(problems).toEqual([]);
      await page.close();
    },
  );

  onOneThread('says what a page must do to read a photo of another site', async () => {
    const [site, other] = await Promise.all([
      serveFolder(path.join(folder, 'site')),
      serveFolder(path.join(folder, 'site')),
    ]);
    const { page } = await browser.page(site);
    await page.waitForFunction(() => 'tainted' in window);
    const url = `${other.origin}/photo.jpg`;
    const failure = await page.evaluate((of) => (window as unknown as PageWindow).tainted(of), url);
    expect(failure).toEqual({
      code: 'invalid-argument',
      message: expect.stringContaining('<img crossorigin="anonymous">'),
    });
    await page.close();
  });
});
