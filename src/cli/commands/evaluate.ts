import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { FiligreeError } from '../../errors.ts';
import type { CocoMetrics, ScoredDetection } from '../../evaluation/average-precision.ts';
import type { CocoDataset, CocoImage } from '../../evaluation/instances.ts';
import type { LabelledImage } from '../../evaluation/labelled-images.ts';
import type { ClassifierPreprocessing } from '../../vision/classifier-metadata.ts';
import { headNames, type HeadName } from '../../vision/presets.ts';
import type { Pixels } from '../../runtime/preprocessing.ts';
import { isDirectory, readInput } from '../files.ts';
import { Progress, writeJson, type Io } from '../io.ts';
import { openModel, withRunOptions, type ModelOptions } from '../models.ts';
import { count, fraction, wholeNumber } from '../options.ts';
import { preprocessHelp, preprocessing } from '../preprocess.ts';
import { formatMs, formatPercent, formatTable } from '../table.ts';

interface Options extends ModelOptions {
  coco?: string;
  labels?: string;
  images?: string;
  limit?: number;
  scoreThreshold: number;
  iouThreshold: number;
  maxResults: number;
  head?: HeadName;
  multiLabel?: boolean;
  preprocess?: ClassifierPreprocessing;
  labelOffset?: number;
  json?: boolean;
}

/** ms per image, without reading and decoding its file. */
interface Speed {
  preprocess: number;
  inference: number;
  postprocess: number;
}

export function evaluateCommand(io: Io): Command {
  const command = new Command('evaluate')
    .description('Measure how often a model is right: COCO average precision, or top-1 and top-5.')
    .argument('<model>', 'a detection or classification model')
    .option('--coco <instances.json>', 'objects in images, in the COCO format: measures a detector')
    .option('--labels <labels.csv>', 'images and their classes (columns image, imagenet_class): measures a classifier')
    .option('--images <directory>', 'where the images are (default: images/ beside that file)')
    .option('--limit <count>', 'the first so many images only', count)
    .option('-s, --score-threshold <0…1>', 'leave out detections below this score', fraction, 0.01)
    .option('--iou-threshold <0…1>', 'merge boxes that overlap by more than this', fraction, 0.65)
    .option('-n, --max-results <count>', 'detections of an image at most, all classes together', count, 1000)
    .addOption(
      new Option('--head <name>', "what a detector's outputs mean, where the model does not say").choices(headNames),
    )
    .option('--multi-label', 'a box counts for each class that reaches the score, as YOLO evaluations count')
    .option('--preprocess <how>', `${preprocessHelp}; classifiers only`, preprocessing)
    .option(
      '--label-offset <count>',
      "the model's class of the data set's class 0 (default: 1 for a model of 1001 classes, else 0)",
      wholeNumber,
    )
    .option('--json', 'print JSON');
  return withRunOptions(command).action(async (model: string, options: Options) => {
    if ((options.coco === undefined) === (options.labels === undefined)) {
      command.error('error: wanted one of --coco and --labels');
    }
    if (options.coco !== undefined) await evaluateDetector(io, model, options.coco, options);
    else await evaluateClassifier(io, model, options.labels!, options);
  });
}

async function evaluateDetector(io: Io, path: string, instances: string, options: Options): Promise<void> {
  const { categoriesOfClasses, readInstances } = await import('../../evaluation/instances.ts');
  const { cocoMetrics } = await import('../../evaluation/average-precision.ts');
  const { Detector } = await import('../../vision/detector.ts');
  const dataset = readInstances(await readText(instances), instances);
  const images = dataset.images.slice(0, options.limit);
  const files = await imageFiles(
    instances,
    images.map(({ file }) => file),
    options.images,
  );

  const progress = new Progress(io);
  const { scoreThreshold, iouThreshold, maxResults, head, multiLabel } = options;
  const model = await openModel(path, progress, options);
  const detector = await Detector.of(model, { scoreThreshold, iouThreshold, maxResults, head, multiLabel });
  const found: ScoredDetection[] = [];
  let speed: Speed;
  let categories: ReturnType<typeof categoriesOfClasses>;
  try {
    categories = categoriesOfClasses(detector.labels, dataset.categories, instances);
    speed = await eachImage(progress, files, async (pixels, i) => {
      checkSize(pixels, images[i], files[i], instances);
      const result = await detector.detect(pixels);
      for (const { classIndex, score, box } of result.detections) {
        const category = categories.ids[classIndex];
        if (category === undefined) continue;
        const { xmin, ymin, xmax, ymax } = box;
        found.push({ image: images[i].id, category, score, box: [xmin, ymin, xmax - xmin, ymax - ymin] });
      }
      return result.speed;
    });
  } finally {
    detector.dispose();
  }
  const metrics = cocoMetrics(
    dataset.annotations,
    found,
    images.map(({ id }) => id),
    dataset.categories.map(({ id }) => id),
  );
  const notes = categoryNotes(dataset, categories);
  if (options.json) {
    writeJson(io, { model: path, dataset: instances, ...metrics, ...summary(files, speed), notes });
    return;
  }
  const rows = metricNames.map(([metric, name, thresholds, size, most]) => {
    const value = metrics[metric];
    return [name, thresholds, size, String(most), value === -1 ? '–' : formatPercent(value)];
  });
  io.stdout.write(formatTable(['', 'IoU', 'size', 'detections', ''], rows) + closing(files, speed, notes));
}

const metricNames: readonly [keyof CocoMetrics, name: string, iou: string, size: string, most: number][] = [
  ['ap', 'average precision', '.50–.95', 'all', 100],
  ['ap50', 'average precision', '.50', 'all', 100],
  ['ap75', 'average precision', '.75', 'all', 100],
  ['apSmall', 'average precision', '.50–.95', 'small', 100],
  ['apMedium', 'average precision', '.50–.95', 'medium', 100],
  ['apLarge', 'average precision', '.50–.95', 'large', 100],
  ['ar1', 'average recall', '.50–.95', 'all', 1],
  ['ar10', 'average recall', '.50–.95', 'all', 10],
  ['ar100', 'average recall', '.50–.95', 'all', 100],
  ['arSmall', 'average recall', '.50–.95', 'small', 100],
  ['arMedium', 'average recall', '.50–.95', 'medium', 100],
  ['arLarge', 'average recall', '.50–.95', 'large', 100],
];

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

/** Boxes are in the pixels of the size that the data set says. */
function checkSize(pixels: Pixels, image: CocoImage, file: string, instances: string): void {
  const { width = pixels.width, height = pixels.height } = image;
  if (pixels.width === width && pixels.height === height) return;
  throw new FiligreeError(
    'invalid-argument',
    `${file}: it is ${pixels.width} × ${pixels.height} pixels; ${instances} says ${width} × ${height}`,
  );
}

async function evaluateClassifier(io: Io, path: string, labels: string, options: Options): Promise<void> {
  const { readLabelledImages, topAccuracy } = await import('../../evaluation/labelled-images.ts');
  const { Classifier } = await import('../../vision/classifier.ts');
  const images = readLabelledImages(await readText(labels), labels).slice(0, options.limit);
  const files = await imageFiles(
    labels,
    images.map(({ file }) => file),
    options.images,
  );

  const progress = new Progress(io);
  const model = await openModel(path, progress, options);
  const classifier = new Classifier(model, { topK: 5, preprocessing: options.preprocess });
  const predictions: { truth: number; ranked: number[] }[] = [];
  let speed: Speed;
  const { offset, notes } = await labelOffset(options.labelOffset, classifier.classes);
  checkClasses(images, offset, classifier.classes, labels);
  try {
    speed = await eachImage(progress, files, async (pixels, i) => {
      const result = await classifier.classify(pixels);
      const ranked = result.classifications.map(({ classIndex }) => classIndex);
      predictions.push({ truth: images[i].classIndex + offset, ranked });
      return result.speed;
    });
  } finally {
    classifier.dispose();
  }
  const { top1, top5 } = topAccuracy(predictions);
  if (options.json) {
    writeJson(io, { model: path, dataset: labels, top1, top5, ...summary(files, speed), notes });
    return;
  }
  const right = (share: number) => [formatPercent(share), Math.round(share * files.length)];
  const rows = [
    ['top-1', ...right(top1)],
    ['top-5', ...right(top5)],
  ];
  io.stdout.write(formatTable(['', '', 'images'], rows) + closing(files, speed, notes));
}

async function labelOffset(given: number | undefined, classes: number): Promise<{ offset: number; notes: string[] }> {
  const { imageNetWithBackground } = await import('../../vision/labels.ts');
  if (given !== undefined) return { offset: given, notes: [] };
  if (classes !== imageNetWithBackground) return { offset: 0, notes: [] };
  const note = `the model has ${classes} classes: its class 0 is taken for the background (--label-offset 1)`;
  return { offset: 1, notes: [note] };
}

function checkClasses(images: readonly LabelledImage[], offset: number, classes: number, file: string): void {
  const beyond = images.find(({ classIndex }) => classIndex + offset >= classes);
  if (!beyond) return;
  const counted = offset > 0 ? `${classes} classes, of which the first ${offset} are left out` : `${classes} classes`;
  throw new FiligreeError(
    'invalid-argument',
    `${file}: line ${beyond.line}: class ${beyond.classIndex}: the model has ${counted}`,
  );
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readInput(path));
}

/** Paths of all images, which must be there: a missing one is found before the hour of work. */
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

/** Decodes one image after the other; the mean time of what is done with them. */
async function eachImage(
  progress: Progress,
  files: readonly string[],
  visit: (pixels: Pixels, index: number) => Promise<Speed>,
): Promise<Speed> {
  const { decodeImage } = await import('../../images/decode.ts');
  const total: Speed = { preprocess: 0, inference: 0, postprocess: 0 };
  const start = performance.now();
  try {
    for (const [i, file] of files.entries()) {
      const spent = performance.now() - start;
      progress.show(progressBar(i, files.length, spent));
      const speed = await visit(await decodeImage(await readInput(file), { name: file }), i);
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

/** `[█████░░░░░] 80/160 images, 12 s left`. `ms` is what the done ones took. */
export function progressBar(done: number, all: number, ms: number): string {
  const width = 30;
  const filled = Math.round((width * done) / all);
  const left = done > 0 ? `, ${formatSeconds(((all - done) * ms) / done)} left` : '';
  return `[${'█'.repeat(filled)}${'░'.repeat(width - filled)}] ${done}/${all} images${left}`;
}

function formatSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}

const sum = ({ preprocess, inference, postprocess }: Speed) => preprocess + inference + postprocess;

function summary(files: readonly string[], speed: Speed) {
  return { images: files.length, msPerImage: sum(speed), speed };
}

function closing(files: readonly string[], speed: Speed, notes: readonly string[]): string {
  const { preprocess, inference, postprocess } = speed;
  const times =
    `${formatMs(sum(speed))} an image: preprocess ${formatMs(preprocess)}, inference ${formatMs(inference)}, ` +
    `postprocess ${formatMs(postprocess)}`;
  return [`${files.length} images, ${times}`, ...notes.map((note) => `note: ${note}`), ''].join('\n');
}
