import { Command } from 'commander';
import type { ClassificationResult, Classifier } from '../../vision/classifier.ts';
import type { ClassifierPreprocessing } from '../../vision/classifier-metadata.ts';
import { readInput } from '../../files/read.ts';
import { bulk, isBulk, withBulkOptions, type BulkOptions } from '../bulk.ts';
import { ProgressLine, reportError, writeJson, type Io } from '../io.ts';
import { openModel, withRunOptions, type ModelOptions } from '../models.ts';
import { count } from '../options.ts';
import { labelsFlags, labelsHelp, preprocessHelp, preprocessing, readLabels } from '../preprocess.ts';
import { Reported } from '../reported.ts';
import { formatMs, formatPercent, formatTable } from '../table.ts';

interface Options extends ModelOptions, BulkOptions {
  model: string;
  labels?: string;
  top?: number;
  preprocess?: ClassifierPreprocessing;
  json?: boolean;
}

interface PhotoResult extends ClassificationResult {
  file: string;
  width: number;
  height: number;
}

export function classifyCommand(io: Io): Command {
  const command = new Command('classify')
    .description('Classify photos with a classification model.')
    .usage('[options] PHOTO…\n       filigree classify [options] --jobs FILE --out FOLDER')
    .argument('[photos...]', 'JPEG, PNG or WebP files')
    .option(
      '-m, --model <file>',
      'a classification model: .filigree, ONNX or TFLite; or imagenet, which comes with Filigree',
      'imagenet',
    )
    .option(labelsFlags, labelsHelp)
    .option('-k, --top <count>', 'number of classes shown, best first (default: 5)', count)
    .option('--preprocess <how>', preprocessHelp, preprocessing)
    .option('--json', 'print JSON');
  return withRunOptions(withBulkOptions(command)).action(async (photos: string[], options: Options) => {
    const inBulk = isBulk(command, photos, options, ['json']);
    if (photos.length === 0 && !inBulk) command.help({ error: true });
    const { model } = options;
    const chosen = { ...options, model: model === 'imagenet' ? io.shippedModels.imagenet : model };
    if (inBulk) await classifyInBulk(io, chosen);
    else await classifyPhotos(io, photos, chosen);
  });
}

async function classifyPhotos(io: Io, photos: string[], options: Options): Promise<void> {
  const progress = new ProgressLine(io);
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const { Classifier } = await import('../../vision/classifier.ts');
  const model = await openModel(options.model, progress, options);
  const classifier = await Classifier.of(model, { labels, topK: options.top, preprocessing: options.preprocess });
  for (const note of classifier.notes) io.stderr.write(`filigree: ${note}\n`);
  const results: PhotoResult[] = [];
  try {
    for (const [i, file] of photos.entries()) {
      progress.show(photos.length > 1 ? `${i + 1}/${photos.length} ${file}` : file);
      try {
        results.push(await classifyPhoto(classifier, file));
      } catch (error) {
        progress.clear();
        if (photos.length === 1) throw error;
        reportError(io, error); // and continue with the others
        continue;
      }
      progress.clear();
      if (!options.json) {
        io.stdout.write(`${photos.length > 1 && results.length > 1 ? '\n' : ''}${asTable(results.at(-1)!)}`);
      }
    }
  } finally {
    progress.clear();
    classifier.dispose();
  }
  if (options.json) writeJson(io, { model: options.model, photos: results });
  if (results.length < photos.length) throw new Reported();
}

async function classifyInBulk(io: Io, options: Options): Promise<void> {
  const { model, threads, top: topK, preprocess: preprocessing } = options;
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const settings = { labels, topK, preprocessing };
  await bulk(io, options, { model, options: { classify: settings }, looker: { threads, classify: settings } });
}

async function classifyPhoto(classifier: Classifier, file: string): Promise<PhotoResult> {
  const { decodeImage } = await import('../../images/decode.ts');
  const image = await decodeImage(await readInput(file), { name: file });
  return { file, width: image.width, height: image.height, ...(await classifier.classify(image)) };
}

function asTable({ file, width, height, classifications, speed }: PhotoResult): string {
  const rows = classifications.map(({ label, classIndex, score }) => [label, classIndex, formatPercent(score)]);
  const times =
    `preprocess ${formatMs(speed.preprocess)}, inference ${formatMs(speed.inference)}, ` +
    `postprocess ${formatMs(speed.postprocess)}`;
  return `${file}  ${width} × ${height}\n${formatTable(['label', 'class', 'score'], rows)}${times}\n`;
}
