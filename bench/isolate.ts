// Peak memory of decoding a photo and detecting on it in workerd, by megapixels and file format: what fits an isolate of
// 128 MB. Prints the table of docs/guides/edge.md:
//
//   node scripts/run.mjs bench/isolate.ts
//
// Each photo gets a process of its own. What its resident memory peaks at, less what a worker takes that does nothing, is
// a little more than what the isolate is charged with.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pixels } from '../src/vision/preprocessing.ts';
import { decodeImage, encodePng } from '../src/images/decode.ts';
import { bundleForWorkerd } from '../test/hosts/workerd.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const limit = 128;
const megapixels = [1, 4, 8, 12];

const nothing = `export default { fetch: () => new Response('0') };`;
const detecting = `
import { createDetector } from 'filigree';
import { decodeImage } from 'filigree/images';
import model from './model.filigree';
let detector;
export default {
  async fetch(request) {
    detector ??= createDetector(model);
    const image = await decodeImage(new Uint8Array(await request.arrayBuffer()), { maxPixels: 100e6 });
    const { detections } = await (await detector).detect(image);
    return new Response(String(detections.length));
  },
};`;

/** A folder from which workerd serves a script. */
function workerFolder(script: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'filigree-isolate-'));
  const modules = path.join(folder, 'node_modules');
  mkdirSync(path.join(modules, 'filigree'), { recursive: true });
  for (const part of ['package.json', 'dist'])
    cpSync(path.join(root, part), path.join(modules, 'filigree', part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules/@jsquash'), path.join(modules, '@jsquash'));
  cpSync(path.join(root, 'dist/models/objects.filigree'), path.join(folder, 'model.filigree'));
  writeFileSync(path.join(folder, 'worker.js'), script);
  return folder;
}

/** MB that workerd has used at most when it has answered these bodies. */
async function peak(folder: string, body?: Uint8Array<ArrayBuffer>): Promise<number> {
  const { url, child } = await bundleForWorkerd(folder);
  try {
    const answer = await fetch(url, body && { method: 'POST', body });
    if (!answer.ok) throw new Error(await answer.text());
    await answer.text();
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!;
    return Number(kilobytes) / 1024;
  } finally {
    child.kill();
  }
}

/** A photo at another size: pixels of its own, repeated. */
function resized({ data, width, height, channels }: Pixels, pixels: number) {
  const [w, h] = [Math.round(Math.sqrt((pixels * 4) / 3)), Math.round(Math.sqrt((pixels * 3) / 4))];
  const rgba = new Uint8ClampedArray(4 * w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const from = channels * ((y % height) * width + (x % width));
      for (let c = 0; c < 4; c++) rgba[4 * (y * w + x) + c] = c === 3 ? 255 : data[from + c];
    }
  }
  return { data: rgba, width: w, height: h };
}

const wasm = (file: string) => WebAssembly.compile(readFileSync(path.join(root, 'node_modules/@jsquash', file)));

const jpegCodec = await import('@jsquash/jpeg/encode.js');
const webpCodec = await import('@jsquash/webp/encode.js');
await jpegCodec.init(await wasm('jpeg/codec/enc/mozjpeg_enc.wasm'));
await webpCodec.init(await wasm('webp/codec/enc/webp_enc_simd.wasm'));

type Image = ReturnType<typeof resized>;
const formats: Record<string, (image: Image) => Promise<ArrayBuffer | Uint8Array>> = {
  JPEG: (image) => jpegCodec.default(image as unknown as ImageData, { progressive: false, quality: 85 }),
  'JPEG, progressive': (image) => jpegCodec.default(image as unknown as ImageData, { progressive: true, quality: 85 }),
  PNG: (image) => encodePng({ ...image, channels: 4 }),
  WebP: (image) => webpCodec.default(image as unknown as ImageData, { quality: 85, method: 0 }),
};

const photo = await decodeImage(readFileSync(path.join(root, 'examples/web/public/samples/street.jpg')));
const folders = [nothing, detecting].map(workerFolder);
const base = await peak(folders[0]);
console.log(`| | ${megapixels.map((count) => `${count} MP`).join(' | ')} | MB a megapixel | fit ${limit} MB |`);
console.log(`|---|${'---|'.repeat(megapixels.length + 2)}`);
for (const [name, encode] of Object.entries(formats)) {
  const points: number[] = [];
  for (const count of megapixels) {
    const bytes = new Uint8Array(await encode(resized(photo, count * 1e6)));
    points.push((await peak(folders[1], Uint8Array.from(bytes))) - base);
  }
  const [first, last] = [points[0], points.at(-1)!];
  const slope = (last - first) / (megapixels.at(-1)! - megapixels[0]);
  const fit = megapixels[0] + (limit - first) / slope;
  console.log(
    `| ${name} | ${points.map((mb) => mb.toFixed(0)).join(' | ')} | ${slope.toFixed(1)} | ${fit.toFixed(1)} MP |`,
  );
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true });
