// Chromium: a page, a module worker and a service worker, under a strict content security policy.
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { networks } from '../../models/index.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import type { Detection } from '../../src/index.ts';
import { isolation, serveFolder, strictPolicy, useBrowser } from './browser.ts';
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

/** Runs the scenario with URLs. */
const work = `
import * as filigree from 'filigree';
import { scenario } from './scenario.mjs';
import { watchWorkers } from './watch.mjs';

export const workers = globalThis.Worker && watchWorkers(globalThis);

export async function report(threads) {
  const { width, height } = await (await fetch('/photo.json')).json();
  const data = new Uint8Array(await (await fetch('/photo.rgb')).arrayBuffer());
  const photo = { data, width, height, channels: 3 };
  const model = () => new URL('/face.filigree', location.href);
  const counted = globalThis.crossOriginIsolated && workers;
  return scenario(filigree, { model, photo, threads, workers: counted, missing: '/missing.file', notWasm: '/index.html' });
}
`;

const entries = {
  'page.js': `
import { report, workers } from './work.js';
import { createDetector, loadModel, Tensor } from 'filigree';
import { decodeImage, encodePng } from 'filigree/images';

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
window.twoThreads = async () => {
  const model = await loadModel('/face.filigree', { threads: 2 });
  const { info } = model;
  model.dispose();
  return info;
};
/** How often the page's own thread computes while a large model runs, how many turns it takes meanwhile, and whether outputs agree. */
window.longRun = async () => {
  const wanted = [];
  const report = { computes: [] };
  let computes = 0;
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...given) => {
    const { exports } = await instantiate(...given);
    const counted = (name) => (...record) => (computes++, exports[name](...record));
    return { exports: { ...exports, run: counted('run'), run_part: counted('run_part') } };
  };
  for (const threads of [1, 2]) {
    const model = await loadModel('/large.filigree', { threads });
    const [{ name, shape }] = model.inputs;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i));
    const inputs = { [name]: new Tensor('float32', shape, data) };
    await model.run(inputs);
    let going = true;
    report.turns = 0;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      report.turns++;
      if (going) port2.postMessage(0);
    };
    port2.postMessage(0);
    computes = 0;
    const outputs = await model.run(inputs);
    report.computes.push(computes);
    going = false;
    report.threads = model.info.threads;
    const [{ data: floats }] = Object.values(outputs);
    wanted.push([...new Uint32Array(floats.buffer, floats.byteOffset, floats.length)].join());
    model.dispose();
  }
  WebAssembly.instantiate = instantiate;
  return { ...report, same: wanted[0] === wanted[1] };
};
/** What a run says whose workers all end without an event, and how many turns of the page's clock later, of 5 s each. */
window.silentDeath = async () => {
  const model = await loadModel('/face.filigree', { threads: 2 });
  const [{ name, shape }] = model.inputs;
  const inputs = { [name]: new Tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b))) };
  await model.run(inputs);
  for (const worker of workers) worker.terminate();
  const { setTimeout } = globalThis;
  const waits = [];
  globalThis.setTimeout = (work, ms) => (waits.push(ms), setTimeout(work, ms / 100));
  const failure = await model.run(inputs).catch(({ code, message }) => ({ code, message }));
  globalThis.setTimeout = setTimeout;
  return { ...failure, waits };
};
/** Whether pixels are the same after they have been a PNG file, and what decoding anything else says. */
window.codecs = async () => {
  const { width, height, data } = await decodeImage(new Uint8Array(await (await fetch('/photo.jpg')).arrayBuffer()));
  const png = await encodePng({ width, height, data, channels: 4 });
  const again = await decodeImage(png);
  const same = again.data.length === data.length && again.data.every((byte, i) => byte === data[i]);
  const failure = await decodeImage(new TextEncoder().encode('<!doctype html>')).catch(({ message }) => message);
  return { width, height, same, failure };
};
/**
 * Faces of a photo that moves over a canvas, followed in its stream: ids of each frame, and how many frames were looked at.
 */
window.tracks = async ({ worker, kind }) => {
  const bitmap = await createImageBitmap(await (await fetch('/photo.jpg')).blob(), { resizeWidth: 640 });
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [bitmap.width + 100, bitmap.height];
  const context = canvas.getContext('2d');
  let x = 0;
  const draw = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, (x = (x + 1) % 60), 0);
  };
  draw();
  const drawing = setInterval(draw, 20);
  const stream = canvas.captureStream(30);
  const detector = await createDetector('/face.filigree', { worker });
  const stop = new AbortController();
  const frames = [];
  const times = [];
  const video = document.createElement('video');
  const sources = {
    camera: () => stream,
    frames: () => new MediaStreamTrackProcessor({ track: stream.getVideoTracks()[0] }).readable,
    video: () => {
      video.muted = true;
      video.srcObject = stream;
      video.play();
      return video;
    },
  };
  const onResult = ({ detections, time }) => {
    times.push(time);
    if (frames.push(detections.map(({ id }) => id)) === 8) stop.abort();
  };
  await detector.track(sources[kind](), { onResult, signal: stop.signal, smooth: true });
  clearInterval(drawing);
  detector.dispose();
  for (const track of stream.getTracks()) track.stop();
  return { frames, times };
};
/** A photo of another site, which has not allowed it to be read. */
window.tainted = async (url) => {
  const element = new Image();
  element.src = url;
  await element.decode();
  const detector = await createDetector('/face.filigree');
  return detector.detect(element).catch(({ code, message }) => ({ code, message }));
};
/** The photo as each kind of image that a page has. */
window.images = async (worker) => {
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
  const detector = await createDetector('/face.filigree', { worker });
  const found = {};
  const bytes = await blob.arrayBuffer();
  const files = { url: '/photo.jpg', bytes, decoded: await decodeImage(new Uint8Array(bytes)) };
  for (const [kind, image] of Object.entries({ blob, bitmap, element, canvas, offscreen, imageData, frame, ...files })) {
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
  twoThreads(): Promise<{ threads: number; notes: string[] }>;
  longRun(): Promise<{ computes: number[]; turns: number; threads: number; same: boolean }>;
  silentDeath(): Promise<{ code: string; message: string; waits: number[] }>;
  images(worker: boolean): Promise<Record<string, Detection[]>>;
  codecs(): Promise<{ width: number; height: number; same: boolean; failure: string }>;
  tracks(how: { worker: boolean; kind: string }): Promise<{ frames: number[][]; times: number[] }>;
  tainted(url: string): Promise<{ code: string; message: string }>;
};

const notIsolated =
  'the page is not isolated, so it has no shared memory; its headers must say ' +
  'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
const inServiceWorker = 'nothing can start workers here, as in a service worker';

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

  for (const [where, headers] of [
    ['', strictPolicy],
    [', isolated', { ...strictPolicy, ...isolation }],
  ] as const) {
    for (const place of Object.keys(places) as (keyof typeof places)[]) {
      it(`finds the same faces in a ${places[place]}${where}`, async () => {
        const site = await serveFolder(path.join(folder, 'site'), headers);
        const { page, problems } = await browser.page(site);
        await page.waitForFunction(() => 'report' in window);
        const report: Report = await page.evaluate((name) => (window as unknown as Window)[name]([1, 2]), place);
        expectReport(report, wanted);
        if (!where) expectOneThread(report, notIsolated);
        else if (place === 'serviceWorker') expectOneThread(report, inServiceWorker);
        else expectThreads(report);
        expectFileFailures(report);
        expect(report.runs[0].build).toBe('relaxed');
        // the files that are asked for in vain
        expect(problems.filter((problem) => !problem.includes('/missing.file'))).toEqual([]);
        await page.close();
      });
    }
  }

  it('starts workers from a Blob where their file is missing, and says why where that is not allowed', async () => {
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
      const info = await page.evaluate(() => (window as unknown as Window).twoThreads());
      expect(info.threads).toBe(threads);
      if (threads === 1) {
        expect(info.notes.at(-1)).toBe(
          'runs on one thread: no worker starts: neither from filigree-worker.js beside the script (it is not there, or ' +
            'not allowed) nor from a Blob (it is not there, or not allowed); put filigree/filigree-worker.js there, or ' +
            'let the content security policy have worker-src blob:',
        );
      }
      await page.close();
    }
  });

  it('leaves the thread of a page free while a model runs on threads', async () => {
    const site = await serveFolder(path.join(folder, 'site'), { ...strictPolicy, ...isolation });
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'longRun' in window);
    const { computes, turns, threads, same } = await page.evaluate(() => (window as unknown as Window).longRun());
    expect([threads, same]).toEqual([2, true]);
    // on one thread the page computes; on two it copies inputs and outputs, and a page that waits would turn once
    expect(computes).toEqual([1, 0]);
    expect(turns).toBeGreaterThan(20);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('fails a run when the browser has ended all workers without a word', async () => {
    const site = await serveFolder(path.join(folder, 'site'), { ...strictPolicy, ...isolation });
    const { page } = await browser.page(site);
    await page.waitForFunction(() => 'silentDeath' in window);
    const { code, message, waits } = await page.evaluate(() => (window as unknown as Window).silentDeath());
    expect([code, message]).toEqual([
      'environment',
      expect.stringContaining('a thread has failed: none has answered for 35 s'),
    ]);
    expect(waits.reduce((a, b) => a + b)).toBe(35_000);
    await page.close();
  });

  it.each([false, true])('takes every kind of image that a page has (in a worker: %s)', async (worker) => {
    const site = await serveFolder(path.join(folder, 'site'), strictPolicy);
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'images' in window);
    const found: Record<string, Detection[]> = await page.evaluate(
      (of) => (window as unknown as Window).images(of),
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

  it("decodes and encodes by the browser's own codecs", async () => {
    const site = await serveFolder(path.join(folder, 'site'), strictPolicy);
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'codecs' in window);
    expect(await page.evaluate(() => (window as unknown as Window).codecs())).toEqual({
      width: 1920,
      height: 1398,
      same: true,
      failure: expect.stringContaining('image: not an image that this host can decode'),
    });
    expect(problems).toEqual([]);
    await page.close();
  });

  it.each([
    ['camera', false],
    ['camera', true],
    ['frames', false],
    ['frames', true],
    ['video', true],
  ])('follows faces in a stream (%s, in a worker: %s)', async (kind, worker) => {
    const site = await serveFolder(path.join(folder, 'site'), strictPolicy);
    const { page, problems } = await browser.page(site);
    await page.waitForFunction(() => 'tracks' in window);
    const how = { kind, worker };
    const { frames, times } = await page.evaluate((of) => (window as unknown as Window).tracks(of), how);
    expect(frames.length).toBe(8);
    for (const ids of frames) expect(ids.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size).toBe(8);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('says what a page must do to read a photo of another site', async () => {
    const [site, other] = await Promise.all([
      serveFolder(path.join(folder, 'site')),
      serveFolder(path.join(folder, 'site')),
    ]);
    const { page } = await browser.page(site);
    await page.waitForFunction(() => 'tainted' in window);
    const url = `${other.origin}/photo.jpg`;
    const failure = await page.evaluate((of) => (window as unknown as Window).tainted(of), url);
    expect(failure).toEqual({
      code: 'invalid-argument',
      message: expect.stringContaining('<img crossorigin="anonymous">'),
    });
    await page.close();
  });
});
