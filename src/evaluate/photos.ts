// Photos as a vision model sees them, for whatever learns from them.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import type { Tensor } from '../tensor.ts';
import type { ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import type { ImageModel } from '../vision/model.ts';
import type { HeadName } from '../vision/presets.ts';
import { readInput } from '../files/read.ts';
import type { ProgressDisplay } from './progress.ts';
import { RandomNumbers, seedOf } from '../prune/random-numbers.ts';
import type { Region } from '../prune/statistics/picks.ts';
import type { Comparison } from '../prune/distribution/search/divergence.ts';
import type { Geometry, Pixels } from '../vision/preprocessing.ts';
import type { Classifier } from '../vision/classifier.ts';
import type { Detection, Detector } from '../vision/detector.ts';
import { progressBar } from './progress.ts';
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
 * Decodes photos and shows them, one after the other.
 * @param views of each photo: itself, its mirror image, parts of it
 */
export async function eachPhoto(
  photos: readonly string[],
  progress: ProgressDisplay,
  show: (photo: Pixels) => Promise<void>,
  views = 1,
): Promise<void> {
  const { decodeImage } = await import('../images/decode.ts');
  try {
    const start = performance.now();
    for (const [i, photo] of photos.entries()) {
      progress.show(`calibrating ${progressBar(i, photos.length, performance.now() - start, 'photos')}`);
      const image = await decodeImage(await readInput(photo), { name: photo });
      for (const view of viewsOf(image, views, new RandomNumbers(seedOf(1, basename(photo))))) await show(view);
    }
  } finally {
    progress.clear();
  }
}

/** Detections of this score are worth looking at: lower ones hardly count in average precision. */
const minScore = 0.05;

/** The classifier or detector of a model. It says how photos become the model's input. */
export async function visionModel(
  model: ImageModel,
  { head, preprocess }: SightOptions,
): Promise<Classifier | Detector> {
  const { classifierShape } = await import('../vision/classifier-metadata.ts');
  if (head === undefined && classifierShape(model.inputs, model.outputs)) {
    const { Classifier } = await import('../vision/classifier.ts');
    return new Classifier(model, { preprocessing: preprocess });
  }
  const { Detector } = await import('../vision/detector.ts');
  return Detector.of(model, { head, scoreThreshold: minScore });
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
const maxViews = 4;

/**
 * Photos as the model's input tensor: resized and normalised as they are when it detects or classifies. Of few photos there are
 * several views.
 * @param program the model, compiled: what it says of itself
 */
export async function photoSamples(
  graph: Graph,
  program: Program,
  photos: readonly string[],
  progress: ProgressDisplay,
  options: SightOptions,
): Promise<PhotoSamples> {
  const { compileGraph } = await import('../compile.ts');
  const { writeArtifact } = await import('../artifact/write.ts');
  const { loadModel } = await import('../runtime/load.ts');
  const { tensorOutputs } = await import('../vision/outputs.ts');
  const { runImage } = await import('../vision/run-image.ts');
  const name = program.inputs[0].name;
  const views = Math.max(1, Math.min(maxViews, Math.ceil(enough / photos.length)));
  const samples: Record<string, Tensor>[] = [];
  const regions: Region[][] = [];
  using input = await loadModel(writeArtifact(compileGraph(inputOnly(graph))));
  using dense = await loadModel(writeArtifact(program));
  const vision = await visionModel(dense, options);
  const show = async (photo: Pixels) => {
    const { outputs, geometry } = await runImage(input, photo, vision.preprocessing);
    const sample = { [name]: outputs[name] };
    samples.push(sample);
    if (!('find' in vision)) return; // where a classifier looks does not matter
    const detections = vision.find(tensorOutputs(await dense.run(sample)), geometry);
    regions.push(detections.map(({ box }) => regionOf(box, geometry)));
  };
  await eachPhoto(photos, progress, show, views);
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
  const { decode } = await decoderOf(vision.head, vision.preprocessing, model.outputs);
  const objects = (outputs: Readonly<Record<string, Tensor>>) =>
    objectsOf(decode(tensorOutputs(outputs), { scoreThreshold: minScore, multiLabel: false }));
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
