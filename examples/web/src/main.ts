import * as comlink from 'comlink';
import { drawDetections } from 'filigree';
import { drawLayers, fillTable } from './chart.ts';
import { choices, type Choice } from './models.ts';
import { showRuns, type Run } from './runs.ts';
import type { Api, Loaded } from './worker.ts';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = element<HTMLCanvasElement>('canvas');
const problem = element('problem');
const modelPicker = element<HTMLSelectElement>('model');
const threadsPicker = element<HTMLSelectElement>('threads');
const cameraButton = element<HTMLButtonElement>('camera');
const worker = comlink.wrap<Api>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));

/** What is looked at: the picture as it came, kept to look at it again with another model. */
const now: { picture?: ImageBitmap; stopCamera?: () => void; waiting: number } = { waiting: 0 };
let loaded: Loaded[] = [];
let runs: Run[] = [];

function tell(error: unknown): void {
  problem.hidden = error === undefined;
  problem.textContent = error instanceof Error ? error.message : String(error ?? '');
}

/** Does one thing after the other; what fails is told, and the next goes on. */
let queue: Promise<unknown> = Promise.resolve();
function inTurn(work: () => Promise<void>): Promise<void> {
  now.waiting++;
  const done = queue.then(async () => {
    now.waiting--;
    try {
      await work();
    } catch (error) {
      tell(error);
    }
  });
  queue = done;
  return done;
}

async function load(choice: Choice): Promise<void> {
  const [box, bar, text] = [element('loading'), element<HTMLProgressElement>('progress'), element('loading-text')];
  box.hidden = false;
  bar.removeAttribute('value');
  text.textContent = `Loading ${choice.name.toLowerCase()}…`;
  try {
    const threads = Number(threadsPicker.value || 1);
    const onProgress = comlink.proxy((share: number) => (bar.value = share));
    // the worker lies elsewhere: what is relative is so to the page
    const sources = choice.sources.map((source) =>
      typeof source === 'string' ? new URL(source, document.baseURI).href : source,
    );
    loaded = await worker.load(sources, threads, onProgress);
    runs = choice.runs.map((name) => ({ name, times: [] }));
    tell(undefined);
  } finally {
    box.hidden = true;
  }
  if (now.picture) await look(now.picture);
  await measure(choice);
}

/** Finds what is in a picture and draws it. */
async function look(image: ImageBitmap): Promise<void> {
  const { detections, ms } = await worker.detect(await createImageBitmap(image));
  const context = canvas.getContext('2d')!;
  [canvas.width, canvas.height] = [image.width, image.height];
  context.drawImage(image, 0, 0);
  drawDetections(context, detections);
  element('hint').hidden = true;
  const found = count(detections.map(({ label }) => label));
  element('count').textContent = found;
  canvas.setAttribute('aria-label', `Picture: ${found}`);
  ms.forEach((value, i) => runs[i]?.times.push(value));
  showRuns(element('runs'), element('verdict'), runs);
}

function count(labels: string[]): string {
  if (labels.length === 0) return 'Nothing found';
  const kinds = new Map<string, number>();
  for (const label of labels) kinds.set(label, (kinds.get(label) ?? 0) + 1);
  return [...kinds].map(([label, n]) => `${n} ${label}${n === 1 ? '' : 's'}`).join(', ');
}

/** Looks often enough for the times to be those of optimised code, unless something waits, then times layers. */
async function measure({ name }: Choice): Promise<void> {
  for (let i = 0; i < 30 && now.picture && now.waiting === 0; i++) await look(now.picture);
  const profiles = await worker.profile();
  drawLayers(element('chart'), profiles);
  fillTable(element('layers'), profiles);
  const [total, kept] = (['macs', 'effectiveMacs'] as const).map((of) =>
    profiles[0].reduce((sum, layer) => sum + layer[of], 0),
  );
  const [{ build, threads, notes }] = loaded;
  element('note').textContent = [
    `${name}: ${(kept / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} million multiply-adds are with weights other than zero.`,
    `${build} build, ${threads} thread${threads === 1 ? '' : 's'}.`,
    ...notes,
  ].join(' ');
}

/** A photo from a file or URL in place of the present one. */
async function open(blob: Blob): Promise<void> {
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(blob);
  } catch {
    throw new Error(`${(blob as File).name ?? 'The file'} is no picture that this browser can read.`);
  }
  now.stopCamera?.();
  now.picture?.close();
  now.picture = image;
  tell(undefined);
  await look(image);
}

async function openFile(file: File): Promise<void> {
  if (!file.name.endsWith('.filigree')) return open(file);
  const choice: Choice = {
    name: file.name,
    sources: [new Uint8Array(await file.arrayBuffer())],
    runs: ['As compiled'],
  };
  const before = modelPicker.value;
  try {
    await load(choice);
    choices.push(choice);
    addChoice(choice, choices.length - 1);
    modelPicker.value = String(choices.length - 1);
  } catch (error) {
    modelPicker.value = before;
    throw error;
  }
}

async function startCamera(): Promise<void> {
  if (!navigator.mediaDevices) throw new Error('This page has no camera: it must come from https or localhost.');
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' }, audio: false });
  const video = Object.assign(document.createElement('video'), { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  cameraButton.setAttribute('aria-pressed', 'true');
  let going = true;
  now.stopCamera = () => {
    going = false;
    now.stopCamera = undefined;
    for (const track of stream.getTracks()) track.stop();
    cameraButton.setAttribute('aria-pressed', 'false');
  };
  const next = async (): Promise<void> => {
    if (!going) return;
    await inTurn(async () => {
      if (!going) return;
      const frame = await createImageBitmap(video);
      now.picture?.close();
      now.picture = frame;
      await look(frame);
    });
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(() => void next());
    else requestAnimationFrame(() => void next());
  };
  void next();
}

function addChoice({ name }: Choice, i: number): void {
  modelPicker.append(new Option(name, String(i)));
}

function listen(): void {
  const file = element<HTMLInputElement>('file');
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    if (chosen) void inTurn(() => openFile(chosen));
    file.value = '';
  });
  modelPicker.addEventListener('change', () => void inTurn(() => load(choices[Number(modelPicker.value)])));
  threadsPicker.addEventListener('change', () => void inTurn(() => load(choices[Number(modelPicker.value)])));
  cameraButton.addEventListener('click', () => {
    if (now.stopCamera) now.stopCamera();
    else void startCamera().catch(tell);
  });
  const place = document.body;
  place.addEventListener('dragover', (event) => {
    event.preventDefault();
    place.classList.add('dragged');
  });
  place.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) place.classList.remove('dragged');
  });
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    place.classList.remove('dragged');
    const [dropped] = event.dataTransfer?.files ?? [];
    if (dropped) void inTurn(() => openFile(dropped));
  });
}

function addSamples(): void {
  for (const number of [5, 2, 4, 6]) {
    const url = `./samples/sample${number}.jpg`;
    const button = Object.assign(document.createElement('button'), { type: 'button' });
    const image = Object.assign(new Image(), { src: url, alt: `Sample photo ${number}`, decoding: 'async' });
    button.append(image);
    button.addEventListener('click', () => void inTurn(async () => open(await (await fetch(url)).blob())));
    element('samples').append(button);
  }
}

choices.forEach(addChoice);
if (crossOriginIsolated) {
  element('threads-label').hidden = false;
  for (let n = 1; n <= Math.min(navigator.hardwareConcurrency, 8); n++) threadsPicker.append(new Option(String(n)));
}
addSamples();
listen();
if (import.meta.env.PROD) void navigator.serviceWorker?.register('./sw.js');
void inTurn(async () => open(await (await fetch('./samples/sample5.jpg')).blob()).catch(() => {}));
void inTurn(() => load(choices[0]));
