// Scripts of the page, the module worker and the service worker in which browsers run the package.
import type { Detection } from '../../src/index.ts';
import type { Report } from './project.ts';

/** Runs the scenario with URLs. */
export const work = `
import * as filigree from 'filigree';
import { scenario } from './scenario.mjs';
import { watchWorkers } from './watch.mjs';

export const workers = globalThis.Worker && watchWorkers(globalThis);

export async function report(threads) {
  const { width, height } = await (await fetch('/photo.json')).json();
  const data = new Uint8Array(await (await fetch('/photo.rgb')).arrayBuffer());
  const photo = { data, width, height, channels: 3 };
  const model = () => new URL('/face.filigree', location.href);
  const counted = globalThis.crossOriginIsolated && globalThis.SharedArrayBuffer && workers;
  return scenario(filigree, { model, photo, threads, workers: counted, missing: '/missing.file', notWasm: '/index.html' });
}
`;

export const entries = {
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
    // back and forth by eight pixels: on a busy machine frames are far apart, and faces must overlap all the same
    context.drawImage(bitmap, Math.abs((x = (x + 1) % 16) - 8), 0);
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
// what is thrown beside the promise reaches the page
onmessage = ({ data }) => report(data).then(postMessage, (error) => setTimeout(() => { throw error; }));
`,
  'service.js': `
import { report } from './work.js';
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('message', async ({ data, source }) => source.postMessage(await report(data)));
`,
};

/** What page.js adds to the page. */
export type PageWindow = Record<'report' | 'worker' | 'serviceWorker', (threads: number[]) => Promise<Report>> & {
  twoThreads(): Promise<{ threads: number; notes: string[] }>;
  longRun(): Promise<{ computes: number[]; turns: number; threads: number; same: boolean }>;
  silentDeath(): Promise<{ code: string; message: string; waits: number[] }>;
  images(worker: boolean): Promise<Record<string, Detection[]>>;
  codecs(): Promise<{ width: number; height: number; same: boolean; failure: string }>;
  tracks(how: { worker: boolean; kind: string }): Promise<{ frames: number[][]; times: number[] }>;
  tainted(url: string): Promise<{ code: string; message: string }>;
};
