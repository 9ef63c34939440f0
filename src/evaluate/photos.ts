// Photos as a vision model sees them, for whatever learns from them.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import { Tensor } from '../tensor.ts';
import type { ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import type { ImageModel } from '../vision/model.ts';
import type { HeadName } from '../vision/presets.ts';
import { readInput } from '../cli/files.ts';
import type { Progress } from '../cli/io.ts';
import { RandomNumbers, seedOf } from '../prune/random-numbers.ts';
import type { Region } from '../prune/statistics/picks.ts';
import type { Comparison } from '../prune/distribution/search/divergence.ts';
import type { Geometry } from '../runtime/preprocessing.ts';
import type { Detection } from '../vision/detector.ts';
import { progressBar } from '../cli/progress-bar.ts';
import { viewsOf } from './views.ts';

/** What says how photos become a model's input, where the model does not. */
export interface SightOptions {
  head?: HeadName;
  preprocess?: ClassifierPreprocessing;
}

/** The first photos of a directory, by name. @throws FiligreeError `not-found` when there are none */
export async function photosIn(directory: string, most: number): Promise<string[]> {
  const names = await readdir(directory).catch((cause: Error) => {
    throw new FiligreeError('not-found', `${directory}: ${cause.message}`, { cause });
  });
  const photos = names.filter((name) => /\.(jpe?g|png|webp|gif|bmp)$/i.test(name)).toSorted();
  if (photos.length === 0)
    throw new FiligreeError('not-found', `${directory}: no photos (jpg, png, …) to calibrate with`);
  return photos.slice(0, most).map((name) => join(directory, name));
}

/**
 * Shows photos to a model as its classifier or detector would, and disposes of it.
 * @param views of each photo: itself, its mirror image, parts of it
 */
export async function showPhotos(
  model: ImageModel,
  photos: readonly string[],
  progress: Progress,
  options: SightOptions,
  { views = 1, onSeen }: { views?: number; onSeen?: (detections: readonly Detection[]) => void } = {},
): Promise<void> {
  const { decodeImage } = await import('../images/decode.ts');
  try {
    const see = await sightOf(model, options);
    const start = performance.now();
    for (const [i, photo] of photos.entries()) {
      progress.show(`calibrating ${progressBar(i, photos.length, performance.now() - start, 'photos')}`);
      const image = await decodeImage(await readInput(photo), { name: photo });
      for (const view of viewsOf(image, views, new RandomNumbers(seedOf(1, basename(photo))))) {
        const detections = await see(view);
        onSeen?.(detections);
      }
    }
  } finally {
    progress.clear();
    model.dispose();
  }
}

/** What a detector sees with this score is worth looking at: less hardly counts in average precision. */
const leastScore = 0.05;

type Pixels = Parameters<ImageModel['runImage']>[0];

async function sightOf(
  model: ImageModel,
  { head, preprocess }: SightOptions,
): Promise<(image: Pixels) => Promise<readonly Detection[]>> {
  if (await isClassifier(model, head)) {
    const { Classifier } = await import('../vision/classifier.ts');
    const classifier = new Classifier(model, { preprocessing: preprocess });
    return async (image) => {
      await classifier.classify(image);
      return [];
    };
  }
  const { Detector } = await import('../vision/detector.ts');
  const detector = await Detector.of(model, { head, scoreThreshold: leastScore });
  return async (image) => (await detector.detect(image)).detections;
}

async function isClassifier(
  { inputs, outputs }: Pick<ImageModel, 'inputs' | 'outputs'>,
  head?: HeadName,
): Promise<boolean> {
  const { classifierShape } = await import('../vision/classifier-metadata.ts');
  return head === undefined && classifierShape(inputs, outputs) !== undefined;
}

/** Photos to learn from, as `filigree/prune` takes them. */
export interface PhotoSamples {
  samples: Record<string, Tensor>[];
  viewsPerImage: number;
  /** Of a detector: where it sees objects. */
  regions?: Region[][];
  /** Of a detector: how far what it finds is from what another one finds. */
  comparison?: Comparison;
}

/** Pictures that are enough to learn from, and the most views of a photo that are taken to get as many. */
const enough = 256;
const mostViews = 4;

/**
 * Photos as the model's input tensor: resized and normalised as they are when it detects or classifies. Of few photos there are
 * several views.
 * @param program the model, compiled: what it says of itself
 */
export async function photoSamples(
  graph: Graph,
  program: Program,
  photos: readonly string[],
  progress: Progress,
  options: SightOptions,
): Promise<PhotoSamples> {
  const { compileGraph } = await import('../compile.ts');
  const { writeArtifact } = await import('../artifact/write.ts');
  const { loadModel } = await import('../runtime/load.ts');
  const { name, inputs, outputs, metadata } = program;
  const input = await loadModel(writeArtifact(compileGraph(inputOnly(graph))));
  // where a classifier sees what does not matter
  const dense = (await isClassifier(program, options.head)) ? undefined : await loadModel(writeArtifact(program));
  const blank = Object.fromEntries(outputs.map((output) => [output.name, new Tensor('float32', output.shape)]));
  const geometries: Geometry[] = [];
  const samples: Record<string, Tensor>[] = [];
  const model: ImageModel = {
    name,
    inputs,
    outputs,
    metadata,
    async runImage(image, preprocessing) {
      const { outputs: read, ...run } = await input.runImage(image, preprocessing);
      const sample = { [inputs[0].name]: read[inputs[0].name] };
      samples.push(sample);
      geometries.push(run.geometry);
      return { ...run, outputs: dense ? await dense.run(sample) : blank };
    },
    dispose() {
      input.dispose();
      dense?.dispose();
    },
  };
  const views = Math.max(1, Math.min(mostViews, Math.ceil(enough / photos.length)));
  const regions: Region[][] = [];
  await showPhotos(model, photos, progress, options, {
    views,
    onSeen: (detections) => regions.push(detections.map(({ box }) => regionOf(box, geometries.at(-1)!))),
  });
  const found = regions.some((list) => list.length > 0);
  const comparison = found ? await compareDetections(program, options.head) : undefined;
  return { samples, viewsPerImage: views, ...(found && { regions, comparison }) };
}

/** Compares what a detector finds with what it found before it was pruned. */
async function compareDetections(
  model: Pick<Program, 'name' | 'inputs' | 'outputs' | 'metadata'>,
  head?: HeadName,
): Promise<Comparison> {
  const { decoderOf } = await import('../vision/heads/index.ts');
  const { disagreement, objectsOf } = await import('../vision/disagreement.ts');
  const { tensorOutputs } = await import('../vision/outputs.ts');
  const { readVisionMetadata } = await import('../vision/metadata.ts');
  const { visionOf } = await import('../vision/recognise.ts');
  const vision = (head === undefined ? readVisionMetadata(model.metadata) : undefined) ?? visionOf(model, head);
  const { decode } = decoderOf(vision.head, vision.preprocessing, model.outputs);
  const objects = (outputs: Readonly<Record<string, Tensor>>) =>
    objectsOf(decode(tensorOutputs(outputs), { scoreThreshold: leastScore, multiLabel: false }));
  return (dense) => {
    const wanted = objects(dense);
    return (other) => disagreement(wanted, objects(other));
  };
}

/** The middle of a box, half as wide and high: there detectors' outputs say what it is. */
function regionOf({ xmin, ymin, xmax, ymax }: Detection['box'], geometry: Geometry): Region {
  const { imageWidth, imageHeight, inputWidth, inputHeight, destination } = geometry;
  const across = (x: number) => (destination.x + (x / imageWidth) * destination.width) / inputWidth;
  const down = (y: number) => (destination.y + (y / imageHeight) * destination.height) / inputHeight;
  const [w, h] = [(xmax - xmin) / 4, (ymax - ymin) / 4];
  return {
    left: Math.max(0, across(xmin + w)),
    top: Math.max(0, down(ymin + h)),
    right: Math.min(1, across(xmax - w)),
    bottom: Math.min(1, down(ymax - h)),
  };
}

/** A network that gives back its first input. */
function inputOnly(graph: Graph): Graph {
  const [port] = graph.inputs;
  const { name, permutation } = port;
  return {
    name: graph.name,
    inputs: [port],
    outputs: [{ value: port.value, name, dtype: 'float32', permutation }],
    nodes: [],
    values: new Map([[port.value, { ...valueOf(graph, port.value) }]]),
    notes: [],
    metadata: {},
  };
}
