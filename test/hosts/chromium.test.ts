// Chromium: a page, a module worker and a service worker, under a strict content security policy.
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Detection } from '../../src/index.ts';
import { isolation, serveFolder, strictPolicy, useBrowser } from './browser.ts';
import type { Report } from './project.ts';
import { expectFileFailures, expectReport, expectSameFaces, modelFile, photo, project, root } from './project.ts';

/** Runs the scenario with URLs. */
const work = `
import * as filigree from 'filigree';
import { scenario } from './scenario.mjs';

export async function report(threads) {
  const { width, height } = await (await fetch('/photo.json')).json();
  const data = new Uint8Array(await (await fetch('/photo.rgb')).arrayBuffer());
  const photo = { data, width, height, channels: 3 };
  const model = () => new URL('/face.filigree', location.href);
  return scenario(filigree, { model, photo, threads, missing: '/missing.file', notWasm: '/index.html' });
}
`;

const entries = {
  'page.js': `
import { report } from './work.js';
import { createDetector } from 'filigree';

window.report = report;
window.worker = (threads) => new Promise((resolve, reject) => {
  const worker = new Worker('/worker.js', { type: 'module' });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(threads);
});
window.serviceWorker = async (threads) => {
  await navigator.serviceWorker.register('/service.js');
  const { active } = await navigator.serviceWorker.ready;
  return new Promise((resolve) => {
    navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
    active.postMessage(threads);
  });
};
/** The photo as each kind of image that a page has. */
window.images = async () => {
  const blob = await (await fetch('/photo.jpg')).blob();
  const bitmap = await createImageBitmap(blob);
  const element = new Image();
  element.src = '/photo.jpg';
  await element.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const context = canvas.getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height);
  offscreen.getContext('2d').drawImage(bitmap, 0, 0);
  const imageData = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const frame = new VideoFrame(bitmap, { timestamp: 0 });
  const detector = await createDetector('/face.filigree');
  const found = {};
  for (const [kind, image] of Object.entries({ blob, bitmap, element, canvas, offscreen, imageData, frame })) {
    found[kind] = (await detector.detect(image)).detections;
  }
  frame.close();
  detector.dispose();
  return found;
};
`,
  'worker.js': `
import { report } from './work.js';
onmessage = async ({ data }) => postMessage(await report(data));
`,
  'service.js': `
import { report } from './work.js';
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('message', async ({ data, source }) => source.postMessage(await report(data)));
`,
};

/** What page.js adds to the page. */
type Window = Record<'report' | 'worker' | 'serviceWorker', (threads: number[]) => Promise<Report>> & {
  images(): Promise<Record<string, Detection[]>>;
};

const places = { report: 'page', worker: 'module worker', serviceWorker: 'service worker' } as const;

describe('Chromium', () => {
  const browser = useBrowser();
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
    copyFileSync(path.join(root, 'node_modules/@vladmandic/face-api/demo/sample5.jpg'), path.join(site, 'photo.jpg'));
    writeFileSync(path.join(site, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    writeFileSync(path.join(site, 'photo.rgb'), data);
    writeFileSync(path.join(site, 'photo.json'), JSON.stringify(size));
    writeFileSync(
      path.join(site, 'index.html'),
      '<!doctype html><link rel="icon" href="/icon.svg"><script type="module" src="/page.js"></script>',
    );
    const { createDetector } = (await import(path.join(root, 'dist/index.js'))) as typeof import('../../src/index.ts');
    const detector = await createDetector(modelFile, { build: 'simd' });
    wanted = (await detector.detect({ data, ...size })).detections;
    detector.dispose();
  });

  for (const [where, headers] of [
    ['', strictPolicy],
    [', isolated', { ...strictPolicy, ...isolation }],
  ] as const) {
    for (const place of Object.keys(places) as (keyof typeof places)[]) {
      it(`finds the same faces in a ${places[place]}${where}`, async () => {
        const site = await serveFolder(path.join(folder, 'site'), headers);
        const { page, problems } = await browser.page(site);
        await page.waitForFunction(() => 'report' in window);
        const report: Report = await page.evaluate((name) => (window as unknown as Window)[name]([1]), place);
        expectReport(report, wanted);
        expectFileFailures(report);
        expect(report.runs[0].build).toBe('relaxed');
        // the files that are asked for in vain
        expect(problems.filter((problem) => !problem.includes('/missing.file'))).toEqual([]);
        await page.close();
      });
    }
  }

  it('takes every kind of image that a page has', async () => {
    const site = await serveFolder(path.join(folder, 'site'), strictPolicy);
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'images' in window);
    const found: Record<string, Detection[]> = await page.evaluate(() => (window as unknown as Window).images());
    expect(Object.keys(found).length).toBe(7);
    for (const detections of Object.values(found)) {
      expect(detections.length).toBe(5);
      expectSameFaces(detections, found.imageData);
    }
    expect(problems).toEqual([]);
    await page.close();
  });
});
