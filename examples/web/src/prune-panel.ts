// “Prune it here”: a network, photos and a goal in; a smaller network out. All of it in a worker of its own.
import * as comlink from 'comlink';
import { startCamera, type Camera } from './camera.ts';
import { Comparison } from './comparison.ts';
import { element, make, tell } from './element.ts';
import { startEngine, type Engine } from './engine.ts';
import { acceptDrops, isNetwork, isPhoto } from './files.ts';
import { sampleNetwork, samples, sampleUrl } from './models.ts';
import { counted } from './plural.ts';
import type { Goal, Pruned, Step } from './pruning.ts';

const problem = element('prune-problem');
const startButton = element<HTMLButtonElement>('start');
const amount = element<HTMLInputElement>('amount');

const asked: { network?: { name: string; bytes: Uint8Array }; photos: Blob[] } = { photos: [] };
let engine: Engine | undefined;
let comparison: Comparison | undefined;
let camera: Camera | undefined;
/** Shows another photo: the next one by 1. */
let turn = async (_by: number): Promise<void> => {};

const goalKind = () => document.querySelector<HTMLInputElement>('input[name=goal]:checked')!.value;
const goal = (): Goal =>
  goalKind() === 'zeros' ? { zeros: amount.valueAsNumber / 100 } : { speedup: amount.valueAsNumber };

function showGoal(): void {
  const value = amount.valueAsNumber;
  element('amount-text').textContent = goalKind() === 'zeros' ? `${value} % zeros` : `${value.toFixed(1)} × the speed`;
}

function chooseGoal(): void {
  const range =
    goalKind() === 'zeros'
      ? { min: '10', max: '90', step: '5', value: '50' }
      : { min: '1.1', max: '3', step: '0.1', value: '1.5' };
  Object.assign(amount, range);
  showGoal();
}

async function takeNetwork(file: Blob, name: string): Promise<void> {
  asked.network = { name, bytes: new Uint8Array(await file.arrayBuffer()) };
  element('network-name').textContent = `${name}, ${size(file.size)}`;
  startButton.disabled = false;
  tell(problem, undefined);
}

function takePhotos(files: readonly Blob[]): void {
  asked.photos.push(...files);
  const { length } = asked.photos;
  element('photo-count').textContent =
    length === 0 ? 'No photos yet.' : `${counted(length, 'photo')}${length < 16 ? '. More are better' : ''}`;
  for (const file of files) void addThumbnail(file).catch(() => tell(problem, 'One of the photos cannot be read.'));
}

/** In CSS pixels, twice as many for sharp screens. */
const [thumbnailWidth, thumbnailHeight] = [112, 84];

async function addThumbnail(photo: Blob): Promise<void> {
  const canvas = make('canvas', { width: thumbnailWidth, height: thumbnailHeight, ariaHidden: 'true' });
  element('thumbnails').append(canvas);
  const bitmap = await createImageBitmap(photo);
  const scale = Math.max(thumbnailWidth / bitmap.width, thumbnailHeight / bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const context = canvas.getContext('2d')!;
  context.drawImage(bitmap, (thumbnailWidth - width) / 2, (thumbnailHeight - height) / 2, width, height);
  bitmap.close();
}

function takeFiles(files: readonly File[]): void {
  const network = files.find(isNetwork);
  const photos = files.filter(isPhoto);
  if (network) void takeNetwork(network, network.name);
  if (photos.length > 0) takePhotos(photos);
  if (!network && photos.length === 0 && files.length > 0) {
    tell(problem, `${files[0].name} is neither a photo nor an ONNX or TFLite network.`);
  }
}

async function toggleViewfinder(): Promise<void> {
  const [video, toggle, take] = [
    element<HTMLVideoElement>('viewfinder'),
    element('viewfinder-toggle'),
    element('take'),
  ];
  if (camera) camera.stop();
  camera = camera ? undefined : await startCamera(video);
  video.hidden = take.hidden = camera === undefined;
  toggle.ariaPressed = String(camera !== undefined);
}

async function takePicture(): Promise<void> {
  const { video } = camera!;
  const canvas = make('canvas', { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext('2d')!.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9));
  if (blob) takePhotos([blob]);
}

async function prune(): Promise<void> {
  const { name, bytes } = asked.network!;
  end();
  engine = startEngine();
  const { api } = engine;
  busy(true);
  element('outcome').hidden = true;
  tell(problem, undefined);
  try {
    const pruned = await api.prune(name, bytes, asked.photos, goal(), comlink.proxy(showStep));
    await api.load([pruned.dense, pruned.pruned], 1);
    await show(pruned);
  } finally {
    busy(false);
  }
}

function showStep({ text, share }: Step): void {
  element<HTMLProgressElement>('pruning-progress').value = share;
  element('pruning-text').textContent = text;
}

function busy(is: boolean): void {
  element('pruning').hidden = element('cancel').hidden = !is;
  startButton.disabled = is;
  if (is) showStep({ text: 'Starting', share: 0 });
}

/** Ends what the worker does, and the measurement of what it did before. */
function end(): void {
  engine?.end();
  engine = undefined;
  comparison = undefined;
}

/** The two networks side by side on the photos, or on a sample where there are none. */
async function show(pruned: Pruned): Promise<void> {
  const mine = new Comparison(element('pruned-comparison'));
  comparison = mine;
  const { api } = engine!;
  mine.reset(['Pruned', 'Dense']);
  const photos = asked.photos.length > 0 ? [...asked.photos] : [await (await fetch(sampleUrl('street'))).blob()];
  let index = 0;
  let picture: ImageBitmap | undefined;
  const look = async () => {
    if (!picture) return;
    const [dense, sparse] = await api.look(await createImageBitmap(picture));
    if (comparison === mine) mine.show(picture, [sparse, dense]);
  };
  const turnTo = async (next: number) => {
    index = (next + photos.length) % photos.length;
    element('photo-number').textContent = `Photo ${index + 1} of ${photos.length}`;
    picture = await createImageBitmap(photos[index]);
    await look();
  };
  element('photo-picker').hidden = photos.length < 2;
  turn = (by) => turnTo(index + by);
  await turnTo(0);
  showFacts(pruned);
  offerFiles(pruned);
  element('outcome').hidden = false;
  element('outcome').scrollIntoView({ block: 'nearest' });
  const measure = async (): Promise<void> => {
    if (comparison !== mine || mine.isMeasured) return;
    await look();
    await measure();
  };
  void measure().catch((error: unknown) => tell(problem, error));
}

function showFacts({ dense, pruned, facts }: Pruned): void {
  const { zeros, weights, macs, seconds } = facts;
  const row = (head: string, ...cells: string[]) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row', textContent: head }),
      ...cells.map((text) => make('td', { textContent: text })),
    );
  const millions = (count: number) => `${(count / 1e6).toFixed(2)} million`;
  element('facts').replaceChildren(
    make('tr', {}, make('td'), ...['Dense', 'Pruned'].map((text) => make('th', { scope: 'col', textContent: text }))),
    row('file', size(dense.length), size(pruned.length)),
    row('weights other than zero', millions(weights.before), millions(weights.after)),
    row('multiplications', millions(macs.before), millions(macs.after)),
    row('zeros in pruned layers', '', `${Math.round(100 * zeros)} %`),
    row('pruned in', '', `${seconds.toFixed(0)} s`),
  );
}

function offerFiles({ pruned, masks }: Pruned): void {
  const stem = asked.network!.name.replace(/\.\w+$/, '');
  const links = [
    [`${stem}-pruned.filigree`, 'Download the network', pruned],
    [`${stem}-masks.safetensors`, 'Download the masks', masks],
  ] as const;
  element('downloads').replaceChildren(
    ...links.map(([download, textContent, bytes]) => {
      const href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
      return make('a', { className: 'button', href, download, textContent });
    }),
  );
}

const size = (bytes: number) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(2)} MB`);

/** Brings the panel to life. */
export function startPruning(): void {
  const attempt = (work: () => Promise<void>) => () => void work().catch((error: unknown) => tell(problem, error));
  for (const id of ['network', 'photos', 'folder']) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener('change', () => {
      takeFiles([...(input.files ?? [])]);
      input.value = '';
    });
  }
  acceptDrops(element('prune'), takeFiles);
  element('sample-network').addEventListener(
    'click',
    attempt(async () => {
      const { name, url } = sampleNetwork;
      element('network-name').textContent = `Loading ${name}…`;
      const response = await fetch(url).catch(() => undefined);
      if (!response?.ok) throw new Error(`${url} cannot be loaded here.`);
      await takeNetwork(await response.blob(), name);
    }),
  );
  element('sample-photos').addEventListener(
    'click',
    attempt(async () => {
      takePhotos(await Promise.all(samples.map(async ({ name }) => (await fetch(sampleUrl(name))).blob())));
    }),
  );
  element('viewfinder-toggle').addEventListener('click', attempt(toggleViewfinder));
  element('take').addEventListener('click', attempt(takePicture));
  for (const radio of document.querySelectorAll('input[name=goal]')) radio.addEventListener('change', chooseGoal);
  amount.addEventListener('input', showGoal);
  startButton.addEventListener('click', attempt(prune));
  element('previous-photo').addEventListener(
    'click',
    attempt(() => turn(-1)),
  );
  element('next-photo').addEventListener(
    'click',
    attempt(() => turn(1)),
  );
  element('cancel').addEventListener('click', () => {
    end();
    busy(false);
  });
}
