import { Command, Option } from 'commander';
import type { CocoMetrics } from '../../evaluate/average-precision.ts';
import type { ClassifierPreprocessing } from '../../vision/classifier-metadata.ts';
import { headNames, type HeadName } from '../../vision/head-names.ts';
import {
  detectionDefaults,
  measureClasses,
  measureDetections,
  readClasses,
  readDetections,
} from '../../evaluate/evaluation.ts';
import type { Speed } from '../../evaluate/evaluation.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
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

export function evaluateCommand(io: Io): Command {
  const command = new Command('evaluate')
    .description('Measure accuracy: COCO average precision, or top-1 and top-5.')
    .argument('<model>', 'a detection or classification model')
    .option('--coco <instances.json>', 'objects in images, in the COCO format: measures a detector')
    .option('--labels <labels.csv>', 'images and their classes (columns image, imagenet_class): measures a classifier')
    .option('--images <directory>', 'where the images are (default: images/ beside that file)')
    .option('--limit <count>', 'use only this many images, the first ones', count)
    .option(
      '-s, --score-threshold <0…1>',
      'leave out detections below this score',
      fraction,
      detectionDefaults.scoreThreshold,
    )
    .option(
      '--iou-threshold <0…1>',
      'merge boxes that overlap by more than this',
      fraction,
      detectionDefaults.iouThreshold,
    )
    .option(
      '-n, --max-results <count>',
      'maximum number of detections per image, all classes together',
      count,
      detectionDefaults.maxResults,
    )
    .addOption(new Option('--head <name>', 'the detection head, where the model does not name it').choices(headNames))
    .option('--multi-label', 'a box counts for each class that reaches the score, as in YOLO evaluations')
    .option('--preprocess <how>', `${preprocessHelp}; classifiers only`, preprocessing)
    .option(
      '--label-offset <count>',
      "the model's class of the data set's class 0 (default: 1 for a model of 1001 classes, else 0)",
      wholeNumber,
    )
    .option('--json', 'print JSON');
  return withRunOptions(command).action(async (model: string, options: Options) => {
    if ((options.coco === undefined) === (options.labels === undefined)) {
      command.error('error: wanted either --coco or --labels');
    }
    if (options.coco !== undefined) await evaluateDetector(io, model, options.coco, options);
    else await evaluateClassifier(io, model, options.labels!, options);
  });
}

async function evaluateDetector(io: Io, path: string, instances: string, options: Options): Promise<void> {
  const images = await readDetections(instances, options);
  const progress = new ProgressLine(io);
  const model = await openModel(path, progress, options);
  const { metrics, more, speed, notes } = await measureDetections(model, images, options, progress);
  if (options.json) {
    writeJson(io, { model: path, dataset: instances, ...metrics, ...more, ...summary(images.files, speed), notes });
    return;
  }
  const tables = (['boxes', 'masks', 'keypoints'] as const).map((kind) => {
    const own = kind === 'boxes' ? metrics : more[kind];
    return own ? metricTable(kind, own) : '';
  });
  io.stdout.write(tables.join('') + closing(images.files, speed, notes));
}

/** Of keypoints, COCO counts 20 detections of an image and no small objects. */
function metricTable(kind: 'boxes' | 'masks' | 'keypoints', metrics: CocoMetrics): string {
  const isPose = kind === 'keypoints';
  const shown = metricNames.filter(([metric]) => !isPose || !/Small$|^ar10?$/.test(metric));
  const rows = shown.map(([metric, name, thresholds, size, most]) => {
    const value = metrics[metric];
    const count = isPose ? 20 : most;
    return [name, thresholds, size, String(count), value === -1 ? '–' : formatPercent(value)];
  });
  return formatTable([kind === 'boxes' ? '' : kind, isPose ? 'OKS' : 'IoU', 'size', 'detections', ''], rows);
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

async function evaluateClassifier(io: Io, path: string, labels: string, options: Options): Promise<void> {
  const images = await readClasses(labels, options);
  const { files } = images;
  const progress = new ProgressLine(io);
  const model = await openModel(path, progress, options);
  const { top1, top5, speed, notes } = await measureClasses(model, images, options, progress);
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
