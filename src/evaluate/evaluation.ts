// Measures a model's accuracy, for `evaluate` and for comparisons of models.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FiligreeError } from '../errors.ts';
import type { CocoMetrics, ScoredDetection } from './average-precision.ts';
import type { Measure, MoreMetrics } from './more-metrics.ts';
import type { CocoDataset, CocoImage } from './instances.ts';
import type { LabelledImage } from './labelled-images.ts';
import type { Pixels } from '../vision/preprocessing.ts';
import type { Model } from '../runtime/model.ts';
import type { ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import type { HeadName } from '../vision/head-names.ts';
import { isDirectory, readInput } from '../files/read.ts';
import type { ProgressDisplay } from './progress.ts';
import { progressBar } from './progress.ts';

/** Selects the images. */
export interface ImageOptions {
  /** Their directory; default images/ beside the list, or the list's own directory. */
  images?: string;
  /** Uses only the first images, this many. */
  limit?: number;
}

export interface DetectionOptions {
  scoreThreshold: number;
  iouThreshold: number;
  maxResults: number;
  head?: HeadName;
  multiLabel?: boolean;
}

export const detectionDefaults = { scoreThreshold: 0.01, iouThreshold: 0.65, maxResults: 1000 } as const;

export interface ClassificationOptions {
  preprocess?: ClassifierPreprocessing;
  /** The model's class for the data set's class 0. Default: 1 for a model of 1001 classes, else 0. */
  labelOffset?: number;
}

/** ms per image, without reading and decoding its file. */
export interface Speed {
  preprocess: number;
  inference: number;
  postprocess: number;
}

/** A list of annotated images, and the images' files. */
export type Annotated = {
  /** A cache of decoded images, for measuring several models on them; filled if present. */
  decoded?: Map<string, Pixels>;
} & (
  | { kind: 'detection'; list: string; files: string[]; images: CocoImage[]; dataset: CocoDataset }
  | { kind: 'classification'; list: string; files: string[]; images: LabelledImage[] }
);

type Of<K extends Annotated['kind']> = Extract<Annotated, { kind: K }>;

/** Reads objects in images, in the COCO format, and checks that every image exists. */
export async function readDetections(list: string, { images: given, limit }: ImageOptions): Promise<Of<'detection'>> {
  const { readInstances } = await import('./instances.ts');
  const dataset = readInstances(await readText(list), list);
  const images = dataset.images.slice(0, limit);
  const names = images.map(({ file }) => file);
  return { kind: 'detection', list, dataset, images, files: await imageFiles(list, names, given) };
}

/** Reads images and their classes, as CSV, and checks that every image exists. */
export async function readClasses(list: string, { images: given, limit }: ImageOptions): Promise<Of<'classification'>> {
  const { readLabelledImages } = await import('./labelled-images.ts');
  const images = readLabelledImages(await readText(list), list).slice(0, limit);
  const names = images.map(({ file }) => file);
  return { kind: 'classification', list, images, files: await imageFiles(list, names, given) };
}

/** A model's COCO metrics. The model is disposed of. */
export async function measureDetections(
  model: Model,
  { list, files, images, dataset, decoded }: Of<'detection'>,
  options: DetectionOptions,
  progress: ProgressDisplay,
): Promise<{ metrics: CocoMetrics; more: MoreMetrics; speed: Speed; notes: string[] }> {
  const { categoriesOfClasses } = await import('./instances.ts');
  const { cocoMetrics } = await import('./average-precision.ts');
  const { detectedOf, moreMetrics } = await import('./more-metrics.ts');
  const { Detector } = await import('../vision/detector.ts');
  const { scoreThreshold, iouThreshold, maxResults, head, multiLabel } = options;
  const found: ScoredDetection[] = [];
  let speed: Speed;
  let categories: ReturnType<typeof categoriesOfClasses>;
  try {
    const detector = await Detector.of(model, { scoreThreshold, iouThreshold, maxResults, head, multiLabel });
    categories = categoriesOfClasses(detector.labels, dataset.categories, list);
    speed = await eachImage(progress, files, decoded, async (pixels, i) => {
      checkSize(pixels, images[i], files[i], list);
      const result = await detector.detect(pixels);
      for (const detection of result.detections) {
        const category = categories.ids[detection.classIndex];
        if (category !== undefined)
          found.push({ image: images[i].id, category, ...detectedOf(detection, pixels.height) });
      }
      return result.speed;
    });
  } finally {
    model.dispose();
  }
  const { annotations } = dataset;
  const [imageIds, categoryIds] = [images, dataset.categories].map((list) => list.map(({ id }) => id));
  const measure = (...which: Parameters<Measure>) => cocoMetrics(which[0], which[1], imageIds, categoryIds, which[2]);
  const metrics = measure(
    annotations.map((object) => ({ ...object, ignored: false })),
    found,
  );
  return { metrics, more: moreMetrics(annotations, found, measure), speed, notes: categoryNotes(dataset, categories) };
}

/** The share of images whose class a model ranks first, or among the first five. The model is disposed of. */
export async function measureClasses(
  model: Model,
  { list, files, images, decoded }: Of<'classification'>,
  options: ClassificationOptions,
  progress: ProgressDisplay,
): Promise<{ top1: number; top5: number; speed: Speed; notes: string[] }> {
  const { topAccuracy } = await import('./labelled-images.ts');
  const { Classifier } = await import('../vision/classifier.ts');
  const predictions: { truth: number; ranked: number[] }[] = [];
  let speed: Speed;
  let notes: string[];
  try {
    const classifier = await Classifier.of(model, { topK: 5, preprocessing: options.preprocess });
    const labels = await labelOffset(options.labelOffset, classifier.classes);
    notes = [...classifier.notes.filter((note) => note.includes('preprocess')), ...labels.notes];
    checkClasses(images, labels.offset, classifier.classes, list);
    speed = await eachImage(progress, files, decoded, async (pixels, i) => {
      const result = await classifier.classify(pixels);
      const ranked = result.classifications.map(({ classIndex }) => classIndex);
      predictions.push({ truth: images[i].classIndex + labels.offset, ranked });
      return result.speed;
    });
  } finally {
    model.dispose();
  }
  return { ...topAccuracy(predictions), speed, notes };
}

function categoryNotes(
  { categories }: CocoDataset,
  { ids, byName }: { ids: readonly (number | undefined)[]; byName: boolean },
): string[] {
  if (!byName) return ["the model's labels name no category: its classes are taken for the categories in their order"];
  const missing = categories.filter(({ id }) => !ids.includes(id));
  if (missing.length === 0) return [];
  const names = missing.slice(0, 5).map(({ name }) => name);
  return [
    `the model has no class for ${missing.length} of ${categories.length} categories ` +
      `(${names.join(', ')}${missing.length > names.length ? ' …' : ''}): their objects count as missed`,
  ];
}

/** Boxes are in pixels of the size in the data set, so the image must have that size. */
function checkSize(pixels: Pixels, image: CocoImage, file: string, instances: string): void {
  const { width = pixels.width, height = pixels.height } = image;
  if (pixels.width === width && pixels.height === height) return;
  throw new FiligreeError(
    'invalid-argument',
    `${file}: it is ${pixels.width} × ${pixels.height} pixels; ${instances} says ${width} × ${height}`,
  );
}

async function labelOffset(given: number | undefined, classes: number): Promise<{ offset: number; notes: string[] }> {
  const { imageNetWithBackground } = await import('../vision/labels.ts');
  if (given !== undefined) return { offset: given, notes: [] };
  if (classes !== imageNetWithBackground) return { offset: 0, notes: [] };
  const note = `the model has ${classes} classes: its class 0 is taken for the background (--label-offset 1)`;
  return { offset: 1, notes: [note] };
}

function checkClasses(images: readonly LabelledImage[], offset: number, classes: number, file: string): void {
  const beyond = images.find(({ classIndex }) => classIndex + offset >= classes);
  if (!beyond) return;
  const counted = offset > 0 ? `${classes} classes; the first ${offset} are left out` : `${classes} classes`;
  throw new FiligreeError(
    'invalid-argument',
    `${file}: line ${beyond.line}: class ${beyond.classIndex}: the model has ${counted}`,
  );
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readInput(path));
}

/** Paths of all images, which must exist: a missing one is reported before an hour of work. */
async function imageFiles(list: string, names: readonly string[], given: string | undefined): Promise<string[]> {
  const beside = join(dirname(list), 'images');
  const directory = given ?? ((await isDirectory(beside)) ? beside : dirname(list));
  const files = names.map((name) => join(directory, name));
  const missing: string[] = [];
  for (const file of files) {
    const there = await stat(file).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (!there) missing.push(file);
  }
  if (missing.length > 0) {
    const where = given === undefined ? ' (--images says where images are)' : '';
    throw new FiligreeError(
      'not-found',
      `${list}: ${missing.length} of ${files.length} images are missing, first ${missing[0]}${where}`,
    );
  }
  return files;
}

/** Decodes one image after the other and calls back; returns the callback's mean time. */
async function eachImage(
  progress: ProgressDisplay,
  files: readonly string[],
  decoded: Map<string, Pixels> | undefined,
  visit: (pixels: Pixels, index: number) => Promise<Speed>,
): Promise<Speed> {
  const { decodeImage } = await import('../images/decode.ts');
  const total: Speed = { preprocess: 0, inference: 0, postprocess: 0 };
  const start = performance.now();
  try {
    for (const [i, file] of files.entries()) {
      const spent = performance.now() - start;
      progress.show(progressBar(i, files.length, spent, 'images'));
      const pixels = decoded?.get(file) ?? (await decodeImage(await readInput(file), { name: file }));
      decoded?.set(file, pixels);
      const speed = await visit(pixels, i);
      total.preprocess += speed.preprocess;
      total.inference += speed.inference;
      total.postprocess += speed.postprocess;
    }
  } finally {
    progress.clear();
  }
  const n = files.length;
  return { preprocess: total.preprocess / n, inference: total.inference / n, postprocess: total.postprocess / n };
}
