// In the worker: networks that look at the same pictures, in turns.
import { createClassifier, createDetector, FiligreeError, loadModel, Tensor } from 'filigree';
import type { Classifier, Detection, Detector, LayerProfile, Model } from 'filigree';
import { Follower } from './follower.ts';
import { unpacked } from './unpacked.ts';

export interface Loaded {
  build: string;
  threads: number;
  notes: readonly string[];
}

/** What one network found, and its inference in ms. */
export interface Found {
  /** In a video each has an id, which it keeps from frame to frame. */
  detections: (Detection & { id?: number })[];
  /** Of classifiers: the best classes with their probabilities. */
  classes: { label: string; score: number }[];
  ms: number;
}

type Eye = Detector<Model> | Classifier<Model>;

let eyes: Eye[] = [];
/** Of a video: what follows objects for each network. */
let followers: (Follower | undefined)[] = [];
let turn = 0;

export type Progress = (share: number) => void;

/**
 * Loads networks in place of the present ones.
 * @param sources URL, or bytes of a file, of each
 */
export async function load(
  sources: (string | Uint8Array)[],
  threads: number,
  onProgress?: Progress,
): Promise<Loaded[]> {
  const shares = sources.map(() => 0);
  const loading = sources.map(async (source, i) => {
    const bytes = typeof source === 'string' ? await download(source, (share) => report(i, share)) : source;
    return open(bytes, threads);
  });
  const report = (i: number, share: number) => {
    shares[i] = share;
    onProgress?.(shares.reduce((sum, each) => sum + each, 0) / shares.length);
  };
  const results = await Promise.allSettled(loading);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    for (const result of results) if (result.status === 'fulfilled') result.value.dispose();
    throw failed.reason;
  }
  stopFollowing();
  for (const eye of eyes) eye.dispose();
  eyes = await Promise.all(loading);
  return eyes.map(({ model: { info } }) => ({ build: info.build, threads: info.threads, notes: info.notes }));
}

/** A detector, or a classifier where the network is none. */
async function open(bytes: Uint8Array, threads: number): Promise<Eye> {
  const model = await loadModel(bytes, { threads });
  try {
    return await createDetector(model);
  } catch (error) {
    try {
      return await createClassifier(model);
    } catch {
      model.dispose();
      throw error; // what a detector lacks is the better hint
    }
  }
}

/** A file's bytes, unpacked where it is packed and the server has not done so. */
async function download(url: string, onProgress: Progress): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new FiligreeError('not-found', `${url}: status ${response.status}`);
  const total = Number(response.headers.get('content-length') ?? 0);
  let loaded = 0;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      loaded += chunk.length;
      if (total > 0) onProgress(Math.min(1, loaded / total));
      controller.enqueue(chunk);
    },
  });
  const bytes = new Uint8Array(await new Response(response.body.pipeThrough(counted)).arrayBuffer());
  return unpacked(bytes);
}

function stopFollowing(): void {
  for (const follower of followers) follower?.end();
  followers = [];
}

/**
 * Every network looks at a picture, which is closed. They take turns at being first.
 * @param isFrame whether it is the next frame of a video
 */
export async function look(picture: ImageBitmap, isFrame = false): Promise<Found[]> {
  if (!isFrame) stopFollowing();
  else if (followers.length === 0) {
    followers = eyes.map((eye) => ('track' in eye ? new Follower(eye) : undefined));
  }
  const found: Found[] = [];
  try {
    const order = [...eyes.keys()];
    if (turn++ % 2 === 1) order.reverse();
    for (const i of order) found[i] = await see(eyes[i], picture, followers[i]);
  } finally {
    picture.close();
  }
  return found;
}

async function see(eye: Eye, picture: ImageBitmap, follower?: Follower): Promise<Found> {
  if ('detect' in eye) {
    const { detections, speed } = await (follower ? follower.next(picture) : eye.detect(picture));
    return { detections, classes: [], ms: speed.inference };
  }
  const { classifications, speed } = await eye.classify(picture);
  return { detections: [], classes: classifications.slice(0, 3), ms: speed.inference };
}

/** Runs of a network come in so many groups. */
const groups = 5;

/**
 * Times each layer of each network on a black picture, for about so many ms in all: times do not depend on what it shows.
 * A layer's time is the median over groups of runs, as some are interrupted, of its mean in each, as clocks are coarse.
 */
export async function profile(ms: number): Promise<LayerProfile[][]> {
  const profiles: LayerProfile[][] = [];
  for (const { model } of eyes) {
    const inputs = Object.fromEntries(model.inputs.map(({ name, dtype, shape }) => [name, new Tensor(dtype, shape)]));
    const start = performance.now();
    await model.run(inputs);
    // each timed run has one before it to warm up
    const budget = ms / eyes.length / groups / 2 / (performance.now() - start);
    const timed: LayerProfile[][] = [];
    for (let i = 0; i < groups; i++) {
      timed.push(await model.profile(inputs, { runs: Math.max(1, Math.min(20, Math.floor(budget))) }));
    }
    const median = (i: number) => timed.map((layers) => layers[i].ms).toSorted((a, b) => a - b)[groups >> 1];
    profiles.push(timed[0].map((layer, i) => ({ ...layer, ms: median(i) })));
  }
  return profiles;
}
