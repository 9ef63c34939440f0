// The published declarations in projects of their own, with and without the types of pages.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'filigree-types-'));
const packageFolder = join(directory, 'node_modules/filigree');
afterAll(() => rmSync(directory, { recursive: true }));

beforeAll(async () => {
  const { emitDeclarations } = await import(new URL('../scripts/declarations.mjs', import.meta.url).href);
  emitDeclarations(join(packageFolder, 'dist/types'));
  cpSync(join(root, 'package.json'), join(packageFolder, 'package.json'));
  mkdirSync(join(directory, 'node_modules/@types'));
  symlinkSync(join(root, 'node_modules/@types/node'), join(directory, 'node_modules/@types/node'));
});

/** What a project of any host can write. */
const anywhere = `
import { createClassifier, createDetector, drawDetections, FiligreeError, loadModel, Tensor } from 'filigree';
import type { Detection, DrawingContext, ImageSource, ModelSource } from 'filigree';
import { compileModel, exportOnnx, importModel } from 'filigree/compile';
import { prune } from 'filigree/prune';
import { decodeImage, readImageHeader } from 'filigree/images';
import { digestOf, PhotoJobs, Unavailable } from 'filigree/bulk';
import { createDetector as createInline } from 'filigree/inline';
import { createKernels, kernelNames } from 'filigree/kernels';

export async function use(source: ModelSource, response: Response, signal: AbortSignal, context: DrawingContext) {
  using model = await loadModel(response, { signal, wasm: (build) => new URL(\`/\${build}.wasm\`, 'file:') });
  const { y } = await model.run({ x: new Tensor('float32', [1, 2], [3, 4]) });
  const values: number | bigint = y.data[0];
  const image: ImageSource = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 };
  const detector = await createDetector(source, { scoreThreshold: 0.3 });
  if (!readImageHeader(new Uint8Array(8))) await detector.detect(await decodeImage(new Uint8Array(8), { maxPixels: 1e6 }));
  const { detections } = await detector.detect(image);
  const jobs = new PhotoJobs(detector, { base: 'photos', model: digestOf(new Uint8Array(8)), options: {} });
  const done = await jobs.do('a.jpg').catch((error: unknown) => (error instanceof Unavailable ? undefined : Promise.reject(error)));
  if (done && !done.error) drawDetections(context, []);
  const first: Detection | undefined = detections[0];
  drawDetections(context, detections, { keypoints: false });
  await (await createClassifier(model)).classify(new Blob([]));
  const { graph: sparse, report } = await prune(importModel(new Uint8Array(8), 'm.onnx'), { sparsity: 0.5, pattern: '2:4' });
  exportOnnx(sparse, { metadata: { zeros: String(report.sparsity) } });
  await createInline(compileModel(new Uint8Array(8), { name: 'm.onnx' }));
  const { memory } = await createKernels({ build: 'simd' });
  const bytes: number = memory.buffer.byteLength + memory.grow(1);
  const code = (error: unknown) => (error instanceof FiligreeError ? error.code : undefined);
  return [values, first, bytes, code, kernelNames.length, exportOnnx];
}

// @ts-expect-error: pixels say how many channels they have
export const unclear: ImageSource = { data: new Uint8Array(3), width: 1, height: 1 };
// @ts-expect-error: no number is a model
export const number: ModelSource = 5;
`;

/** What pages have besides. */
const page = `
/// <reference types="filigree/client" />
import bytes from 'filigree/models/objects.filigree';
import url from './own.filigree?url';
import { createDetector, drawDetections, type ImageSource, type WasmSource } from 'filigree';
import { createKernels } from 'filigree/kernels';

export const images = (
  data: ImageData, bitmap: ImageBitmap, image: HTMLImageElement, video: HTMLVideoElement, canvas: HTMLCanvasElement,
  offscreen: OffscreenCanvas, frame: VideoFrame,
): ImageSource[] => [data, bitmap, image, video, canvas, offscreen, frame];

export async function use(
  module: WebAssembly.Module, context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
): Promise<WebAssembly.Memory> {
  drawDetections(context, []);
  const source: WasmSource = module;
  return (await createKernels({ wasm: () => source })).memory;
}

export async function follow(video: HTMLVideoElement, camera: MediaStream, frames: ReadableStream<VideoFrame>) {
  const detector = await createDetector('objects', { integrity: 'sha256-' });
  await createDetector(bytes);
  await createDetector(url);
  await detector.detect('photo.jpg', { classes: ['dog', 3], scoreThreshold: 0.4, tiles: { size: 640 } });
  const { signal } = new AbortController();
  for (const source of [video, camera, frames, [video]]) {
    await detector.track(source, { signal, onResult: ({ detections: [{ id, box }] }) => console.log(id + box.xmin) });
  }
}

// @ts-expect-error: an element, but no image
export const text = (element: HTMLParagraphElement): ImageSource => element;
`;

/** How edge hosts declare their APIs: as classes, without the DOM. */
const edge = `
declare class Blob { constructor(parts: unknown[]); readonly size: number; arrayBuffer(): Promise<ArrayBuffer>; }
declare class URL { constructor(url: string, base?: string); readonly href: string; }
declare class Response { readonly ok: boolean; arrayBuffer(): Promise<ArrayBuffer>; }
declare class AbortSignal { readonly aborted: boolean; }
declare namespace WebAssembly {
  class Module { customSections(): void; }
  class Memory { readonly buffer: ArrayBuffer; grow(pages: number): number; }
}
`;

const edgeUse = `
import type { WasmSource } from 'filigree';
import { createKernels } from 'filigree/kernels';

export async function use(module: WebAssembly.Module): Promise<WebAssembly.Memory> {
  const source: WasmSource = module;
  return (await createKernels({ wasm: () => source })).memory;
}

// @ts-expect-error: no number is a module (the DOM's types say that anything is)
export const source: WasmSource = 5;
`;

const es = ['es2023', 'esnext.disposable'];
const hosts = {
  'a page': { lib: [...es, 'dom'], types: [], files: { 'anywhere.ts': anywhere, 'page.ts': page } },
  'a page, with @types/node': {
    lib: [...es, 'dom'],
    types: ['node'],
    files: { 'anywhere.ts': anywhere, 'page.ts': page },
  },
  'a worker': { lib: [...es, 'webworker'], types: [], files: { 'anywhere.ts': anywhere } },
  'Node without the DOM': { lib: ['es2023'], types: ['node'], files: { 'anywhere.ts': anywhere } },
  'an edge host': {
    lib: ['es2023'],
    types: [],
    files: { 'anywhere.ts': anywhere, 'edge.d.ts': edge, 'edge-use.ts': edgeUse },
  },
};

/** Type-checks a project, libraries included; returns the compiler's output. */
async function check(name: string, { lib, types, files }: (typeof hosts)['a page'], resolution: object) {
  const folder = join(directory, name.replaceAll(/\W+/g, '-'));
  mkdirSync(folder);
  const compilerOptions = { target: 'es2023', strict: true, skipLibCheck: false, noEmit: true, lib, types };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...resolution }, files: Object.keys(files) }),
  );
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return promisify(execFile)(process.execPath, [tsc, '-p', folder]).then(
    () => '',
    (error: { stdout: string; message: string }) => error.stdout || error.message,
  );
}

describe.each(Object.entries(hosts))('the declarations, in %s', (host, project) => {
  it.each([
    { module: 'preserve', moduleResolution: 'bundler' },
    { module: 'nodenext', moduleResolution: 'nodenext' },
  ])('check with resolution $moduleResolution', async (resolution) => {
    expect(await check(`${host} ${resolution.moduleResolution}`, project as never, resolution)).toBe('');
  });
});

describe('the declarations', () => {
  it('are those that entry points reach, and no others', () => {
    const files = readdirSync(join(packageFolder, 'dist/types'), { recursive: true, withFileTypes: true });
    const names = files.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(names).toContain('host-types.d.ts');
    expect(names.filter((name) => !name.endsWith('.d.ts'))).toEqual([]);
    expect(names).not.toContain('lower.d.ts');
    expect(names.length).toBeLessThan(130); // types that several files share have a file each
  });

  it('are named by package.json', () => {
    const { exports } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
    const types = Object.values(exports as Record<string, { types?: string }>).flatMap((entry) => entry.types ?? []);
    expect(types.length).toBe(7);
    for (const path of types) expect(readFileSync(join(packageFolder, path), 'utf8')).not.toContain('.ts');
  });
});
