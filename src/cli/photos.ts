// Photos as a vision model sees them, for whatever learns from them.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import { Tensor } from '../tensor.ts';
import type { ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import type { ImageModel } from '../vision/model.ts';
import type { HeadName } from '../vision/presets.ts';
import { readInput } from './files.ts';
import type { Progress } from './io.ts';
import { progressBar } from './progress-bar.ts';

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

/** Shows photos to a model as its classifier or detector would, and disposes of it. */
export async function showPhotos(
  model: ImageModel,
  photos: readonly string[],
  progress: Progress,
  options: SightOptions,
): Promise<void> {
  const { decodeImage } = await import('../images/decode.ts');
  try {
    const see = await sightOf(model, options);
    const start = performance.now();
    for (const [i, photo] of photos.entries()) {
      progress.show(`calibrating ${progressBar(i, photos.length, performance.now() - start, 'photos')}`);
      await see(await decodeImage(await readInput(photo), { name: photo }));
    }
  } finally {
    progress.clear();
    model.dispose();
  }
}

type Pixels = Parameters<ImageModel['runImage']>[0];

async function sightOf(
  model: ImageModel,
  { head, preprocess }: SightOptions,
): Promise<(image: Pixels) => Promise<unknown>> {
  const { classifierShape } = await import('../vision/classifier-metadata.ts');
  if (head === undefined && classifierShape(model.inputs, model.outputs)) {
    const { Classifier } = await import('../vision/classifier.ts');
    const classifier = new Classifier(model, { preprocessing: preprocess });
    return (image) => classifier.classify(image);
  }
  const { Detector } = await import('../vision/detector.ts');
  const detector = await Detector.of(model, { head });
  return (image) => detector.detect(image);
}

/**
 * Photos as the model's input tensor: resized and normalised as they are when it detects or classifies.
 * @param program the model, compiled: what it says of itself
 */
export async function photoSamples(
  graph: Graph,
  program: Program,
  photos: readonly string[],
  progress: Progress,
  options: SightOptions,
): Promise<Record<string, Tensor>[]> {
  const { compileGraph } = await import('../compile/index.ts');
  const { writeArtifact } = await import('../artifact/write.ts');
  const { loadModel } = await import('../runtime/load.ts');
  const { name, inputs, outputs, metadata } = program;
  const input = await loadModel(writeArtifact(compileGraph(inputOnly(graph))));
  const blank = Object.fromEntries(outputs.map((output) => [output.name, new Tensor('float32', output.shape)]));
  const samples: Record<string, Tensor>[] = [];
  const model: ImageModel = {
    name,
    inputs,
    outputs,
    metadata,
    async runImage(image, preprocessing) {
      const { outputs: read, ...run } = await input.runImage(image, preprocessing);
      samples.push({ [inputs[0].name]: read[inputs[0].name] });
      return { ...run, outputs: blank }; // nobody looks
    },
    dispose: () => input.dispose(),
  };
  await showPhotos(model, photos, progress, options);
  return samples;
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
