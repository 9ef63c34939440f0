import * as comlink from 'comlink';
import { startCamera } from './camera.ts';
import { drawLayers, fillTable } from './chart.ts';
import { Comparison } from './comparison.ts';
import { element, make, tell } from './element.ts';
import { startEngine } from './engine.ts';
import { acceptDrops, isNetwork } from './files.ts';
import type { Loaded } from './look.ts';
import { choices, pair, samples, sampleUrl, single, type Choice } from './models.ts';
import { startPruning } from './prune-panel.ts';

const { api } = startEngine();
const comparison = new Comparison(element('comparison'));
const modelPicker = element<HTMLSelectElement>('model');
const threadsPicker = element<HTMLSelectElement>('threads');
const cameraButton = element<HTMLButtonElement>('camera');

/** What is looked at. `isOwn`: chosen by the user, so that another model looks at it as well. */
const now: { choice: Choice; picture?: ImageBitmap; isOwn: boolean; stopCamera?: () => void; waiting: number } = {
  choice: choices[0],
  isOwn: false,
  waiting: 0,
};

/** Does one thing after the other; what fails is told, and the next goes on. */
let queue: Promise<unknown> = Promise.resolve();
function inTurn(work: () => Promise<void>): Promise<void> {
  now.waiting++;
  const done = queue.then(async () => {
    now.waiting--;
    await work().catch((error: unknown) => tell(element('problem'), error));
  });
  queue = done;
  return done;
}

async function load(choice: Choice): Promise<void> {
  const bar = element<HTMLProgressElement>('progress');
  element('loading').hidden = false;
  bar.removeAttribute('value');
  element('loading-text').textContent = `Loading ${choice.name}…`;
  let loaded: Loaded[];
  try {
    // the worker lies elsewhere: what is relative is so to the page
    const sources = choice.sources.map((source) =>
      typeof source === 'string' ? new URL(source, document.baseURI).href : source,
    );
    const onProgress = comlink.proxy((share: number) => void (bar.value = share));
    loaded = await api.load(sources, Number(threadsPicker.value || 1), onProgress);
  } finally {
    element('loading').hidden = true;
  }
  now.choice = choice;
  element('about').textContent = choice.about ?? '';
  comparison.reset(choice.runs);
  tell(element('problem'), undefined);
  if (!now.isOwn && !now.stopCamera) await openSample(choice.sample);
  else if (now.picture) await look(now.picture);
  await showLayers(loaded, 400);
  void measure(loaded);
}

/** Finds what is in a picture and draws it. */
async function look(picture: ImageBitmap, isFrame = false): Promise<void> {
  comparison.show(picture, await api.look(await createImageBitmap(picture), isFrame));
}

/** Looks again until times are known well, between other things; layers are timed once more after that. */
async function measure(loaded: Loaded[]): Promise<void> {
  const { choice } = now;
  while (now.choice === choice && now.picture && !comparison.isMeasured) {
    if (now.waiting > 0 || now.stopCamera) await queue;
    await inTurn(async () => {
      if (now.choice === choice && now.picture && !now.stopCamera) await look(now.picture);
    });
    if (now.stopCamera) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await inTurn(async () => {
    if (now.choice === choice && !now.stopCamera) await showLayers(loaded, 1500);
  });
}

async function showLayers(loaded: Loaded[], ms: number): Promise<void> {
  const profiles = await api.profile(ms);
  drawLayers(element('chart'), profiles);
  fillTable(element('layers'), profiles);
  const [total, kept] = (['macs', 'effectiveMacs'] as const).map((of) =>
    profiles[0].reduce((sum, layer) => sum + layer[of], 0),
  );
  const [{ build, threads, notes }] = loaded;
  const millions = (macs: number) => (macs / 1e6).toFixed(0);
  element('note').textContent = [
    kept < total
      ? `${now.choice.name}: ${millions(kept)} of ${millions(total)} million multiplications are with weights other than zero.`
      : `${now.choice.name}: ${millions(total)} million multiplications, none with a weight of zero.`,
    `WebAssembly build “${build}”, ${threads === 1 ? 'one thread' : `${threads} threads`}.`,
  ].join(' ');
  element('notes-box').hidden = notes.length === 0;
  element('notes').replaceChildren(...notes.map((textContent) => make('li', { textContent })));
}

/** A photo in place of the present picture. */
async function open(blob: Blob): Promise<void> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(blob);
  } catch {
    throw new Error(`${(blob as File).name ?? 'The file'} is no picture that this browser can read.`);
  }
  now.stopCamera?.();
  now.picture?.close();
  now.picture = picture;
  tell(element('problem'), undefined);
  await look(picture);
}

async function openSample(name: string): Promise<void> {
  await open(await (await fetch(sampleUrl(name))).blob());
  markSample(name);
}

/** Marks the sample that is shown; none where it is a photo of the user's. */
function markSample(name?: string): void {
  samples.forEach((sample, i) => (element('samples').children[i].ariaPressed = String(sample.name === name)));
}

async function openFile(file: File): Promise<void> {
  if (!isNetwork(file) && !file.name.endsWith('.filigree')) {
    now.isOwn = true;
    await open(file);
    return markSample();
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  element('loading').hidden = false;
  element<HTMLProgressElement>('progress').removeAttribute('value');
  element('loading-text').textContent = `Compiling ${file.name}…`;
  const sources = isNetwork(file)
    ? await api.compile(file.name, bytes).finally(() => (element('loading').hidden = true))
    : [bytes];
  const choice = { name: file.name, sources, runs: sources.length > 1 ? pair : single, sample: 'street' };
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

async function watch(): Promise<void> {
  const camera = await startCamera();
  cameraButton.ariaPressed = 'true';
  markSample();
  const stopped = new AbortController();
  now.isOwn = true;
  now.stopCamera = () => {
    stopped.abort();
    now.stopCamera = undefined;
    camera.stop();
    cameraButton.ariaPressed = 'false';
  };
  while (!stopped.signal.aborted) {
    await inTurn(async () => {
      if (stopped.signal.aborted) return;
      const frame = await createImageBitmap(camera.video);
      now.picture?.close();
      now.picture = frame;
      await look(frame, true);
    });
    if (!stopped.signal.aborted) await camera.next();
  }
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
  for (const picker of [modelPicker, threadsPicker]) {
    picker.addEventListener('change', () => void inTurn(() => load(choices[Number(modelPicker.value)])));
  }
  cameraButton.addEventListener('click', () => {
    if (now.stopCamera) now.stopCamera();
    else void watch().catch((error: unknown) => tell(element('problem'), error));
  });
  acceptDrops(element('look'), ([dropped]) => {
    if (dropped) void inTurn(() => openFile(dropped));
  });
  const copy = element<HTMLButtonElement>('copy');
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(element('install').textContent!);
    copy.textContent = 'Copied';
  });
}

function addSamples(): void {
  for (const { name, shows } of samples) {
    const image = make('img', { src: sampleUrl(name), alt: shows, decoding: 'async', loading: 'lazy' });
    const button = make('button', { type: 'button' }, image);
    button.addEventListener('click', () => {
      now.isOwn = true;
      void inTurn(() => openSample(name));
    });
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
startPruning();
if (import.meta.env.PROD) void navigator.serviceWorker?.register('./sw.js');
void inTurn(() => load(choices[0]));
