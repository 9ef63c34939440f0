// The worker of a detector: a file of its own (scripts/package.mjs), that loads the model and looks at what it is sent.
import { FiligreeError, type FiligreeErrorCode } from '../errors.ts';
import type { WasmSource } from '../runtime/instantiate.ts';
import { loadModel } from '../runtime/load.ts';
import type { WasmBuild } from '../runtime/probe.ts';
import { Detector } from './detector.ts';
import type { Answer, Failure, Request, SentImage } from './worker-messages.ts';

interface Port {
  postMessage(message: Answer): void;
}

const threads = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
const port = (threads?.parentPort ?? globalThis) as Port;
const post = (answer: Answer) => port.postMessage(answer);

let detector: Detector | undefined;
let builds = 0;
const awaited = new Map<number, { resolve(source: WasmSource): void; reject(cause: unknown): void }>();

/** The page has the wasm, or knows where it is. */
const wasm = (build: WasmBuild) =>
  new Promise<WasmSource>((resolve, reject) => {
    awaited.set(++builds, { resolve, reject });
    post({ id: builds, wasm: build });
  });

function receive(request: Request): void {
  if ('create' in request) void answer(request.id, () => create(request));
  else if ('detect' in request) void answer(request.id, () => detect(request));
  else {
    const waiting = awaited.get(request.id)!;
    awaited.delete(request.id);
    if (request.failure) waiting.reject(errorOf(request.failure));
    else if ('url' in request.wasm!) waiting.resolve(new URL(request.wasm.url));
    else waiting.resolve(request.wasm!.source as WasmSource);
  }
}

async function answer(id: number, work: () => Promise<Extract<Answer, { result: unknown }>['result']>): Promise<void> {
  try {
    post({ id, result: await work() });
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string };
    post({ id, failure: { name, message, code: typeof code === 'string' ? code : undefined } });
  }
}

async function create({ create: source, settings }: Extract<Request, { create: unknown }>) {
  const onProgress = (progress: { loaded: number; total: number }) => post({ progress });
  const model = await loadModel(source, { ...settings, onProgress, wasm });
  const made = await Detector.of(model, settings);
  detector = made;
  const { name, inputs, outputs, metadata, info } = model;
  const { labels, keypoints, scoreThreshold } = made;
  return { model: { name, inputs, outputs, metadata, info }, labels, keypoints, scoreThreshold };
}

async function detect({ detect: image, settings }: Extract<Request, { detect: unknown }>) {
  try {
    return await detector!.detect(image, settings);
  } finally {
    close(image);
  }
}

function close(image: SentImage): void {
  if (typeof image === 'object' && 'close' in image) image.close();
}

function errorOf({ name, message, code }: Failure): Error {
  return name === 'FiligreeError' ? new FiligreeError(code as FiligreeErrorCode, message) : new Error(message);
}

if (threads?.parentPort) threads.parentPort.on('message', receive);
else addEventListener('message', ({ data }) => receive(data as Request));
