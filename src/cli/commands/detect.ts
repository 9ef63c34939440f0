import { Command, Option } from 'commander';
import type { DetectionResult } from '../../vision/detection.ts';
import type { Detector } from '../../vision/detector.ts';
import { headNames, type HeadName } from '../../vision/head-names.ts';
import type { Pixels } from '../../vision/preprocessing.ts';
import { isDirectory, readInput } from '../../files/read.ts';
import { makeDirectory, writeOutput } from '../../files/write.ts';
import { bulk, isBulk, withBulkOptions, type BulkOptions } from '../bulk.ts';
import { ProgressLine, reportError, writeJson, type Io } from '../io.ts';
import { openModel, withRunOptions, type ModelOptions } from '../models.ts';
import { count, fileName, fraction } from '../options.ts';
import { pictureFault, picturePaths } from '../pictures.ts';
import { labelsFlags, labelsHelp, readLabels } from '../preprocess.ts';
import { Reported } from '../reported.ts';
import { formatMs, formatTable } from '../table.ts';

interface Options extends ModelOptions, BulkOptions {
  model: string;
  scoreThreshold?: number;
  iouThreshold?: number;
  maxResults?: number;
  json?: boolean;
  save?: string;
  tiles?: number;
  head?: HeadName;
  labels?: string;
}

interface PhotoResult extends DetectionResult {
  file: string;
  width: number;
  height: number;
  saved?: string;
}

export function detectCommand(io: Io): Command {
  const command = new Command('detect')
    .description('Find objects in photos: the 80 classes of COCO, or those of another detection model.')
    .usage('[options] PHOTO…\n       filigree detect [options] --jobs FILE --out FOLDER')
    .argument('[photos...]', 'JPEG, PNG or WebP files')
    .option(
      '-m, --model <file>',
      'a detection model: .filigree, ONNX or TFLite; or objects, objects-small or faces, which come with Filigree (default: objects)',
    )
    .option('-s, --score-threshold <0…1>', "leave out detections below this score (default: the model's)", fraction)
    .option('--iou-threshold <0…1>', "merge boxes that overlap by more than this (default: the model's)", fraction)
    .option('-n, --max-results <count>', 'maximum number of detections (default: 100)', count)
    .addOption(new Option('--head <name>', 'the detection head, where the model does not name it').choices(headNames))
    .option(labelsFlags, labelsHelp)
    .option(
      '--tiles <pixels>',
      'look at parts of large photos as well, of so many pixels a side, so that small objects are found',
      count,
    )
    .option('--save <file>', 'write the photo with its boxes to this PNG; for several photos, a directory', fileName)
    .option('--json', 'print JSON');
  return withRunOptions(withBulkOptions(command)).action(async (photos: string[], options: Options) => {
    const inBulk = isBulk(command, photos, options, ['save', 'json']);
    if (photos.length === 0 && !inBulk) command.help({ error: true });
    const { save } = options;
    let pictures: string[] = [];
    if (save !== undefined && (/[/\\]$/.test(save) || (await isDirectory(save)))) {
      pictures = picturePaths(photos, save);
      await makeDirectory(save);
    } else if (save !== undefined) {
      const wrong =
        photos.length > 1
          ? `wanted a directory for ${photos.length} photos; end its name with / to create it`
          : pictureFault(save, photos[0]);
      if (wrong) command.error(`error: --save ${save}: ${wrong}`);
      pictures = [save];
    }
    const { model: wanted } = options;
    const model =
      wanted === undefined
        ? io.defaultModel
        : Object.hasOwn(io.shippedModels, wanted)
          ? io.shippedModels[wanted]
          : wanted;
    if (inBulk) await detectInBulk(io, { ...options, model });
    else await detectInPhotos(io, photos, { ...options, model }, pictures);
  });
}

async function detectInPhotos(io: Io, photos: string[], options: Options, pictures: string[]): Promise<void> {
  const progress = new ProgressLine(io);
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const { Detector } = await import('../../vision/detector.ts');
  const model = await openModel(options.model, progress, options);
  const detector = await Detector.of(model, { ...options, labels });
  const results: PhotoResult[] = [];
  try {
    for (const [i, file] of photos.entries()) {
      progress.show(photos.length > 1 ? `${i + 1}/${photos.length} ${file}` : file);
      try {
        results.push(await detectInPhoto(detector, file, pictures[i], options.tiles));
      } catch (error) {
        progress.clear();
        if (photos.length === 1) throw error;
        reportError(io, error); // and continue with the others
        continue;
      }
      progress.clear();
      if (!options.json)
        io.stdout.write(`${photos.length > 1 && results.length > 1 ? '\n' : ''}${asTable(results.at(-1)!)}`);
    }
  } finally {
    progress.clear();
    detector.dispose();
  }
  if (options.json) writeJson(io, { model: options.model, photos: await Promise.all(results.map(asJson)) });
  if (results.length < photos.length) throw new Reported();
}

async function detectInBulk(io: Io, options: Options): Promise<void> {
  const { model, threads, scoreThreshold, iouThreshold, maxResults, head, tiles } = options;
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const settings = { scoreThreshold, iouThreshold, maxResults, head, labels, tiles };
  await bulk(io, options, { model, options: { detect: settings }, looker: { threads, detect: settings } });
}

async function detectInPhoto(
  detector: Detector,
  file: string,
  save: string | undefined,
  tiles: number | undefined,
): Promise<PhotoResult> {
  const { decodeImage } = await import('../../images/decode.ts');
  const image = await decodeImage(await readInput(file), { name: file });
  const result = await detector.detect(image, { tiles: tiles === undefined ? false : { size: tiles } });
  if (save) await savePicture(image, result, save);
  return { file, width: image.width, height: image.height, ...result, ...(save && { saved: save }) };
}

async function savePicture(image: Pixels, { detections }: DetectionResult, path: string): Promise<void> {
  const [{ drawOnPixels }, { encodePng }] = await Promise.all([
    import('../../images/draw.ts'),
    import('../../images/decode.ts'),
  ]);
  await writeOutput(path, await encodePng(drawOnPixels(image, detections)));
}

/** Masks as COCO's run lengths of the whole photo, columns from the left. */
async function asJson({ detections, ...photo }: PhotoResult) {
  const { countsOfRuns, runsOfMask } = await import('../../evaluate/mask-runs.ts');
  const { width, height } = photo;
  const written = detections.map(({ mask, ...detection }) => ({
    ...detection,
    ...(mask && { mask: { size: [height, width], counts: countsOfRuns(runsOfMask(mask, height), width * height) } }),
  }));
  return { ...photo, detections: written };
}

function asTable({ file, width, height, detections, speed, saved }: PhotoResult): string {
  const rows = detections.map(({ label, score, box }) => [
    label,
    score.toFixed(3),
    ...[box.xmin, box.ymin, box.xmax, box.ymax].map((value) => value.toFixed(0)),
  ]);
  const table = rows.length > 0 ? formatTable(['label', 'score', 'xmin', 'ymin', 'xmax', 'ymax'], rows) : '';
  const found = `${rows.length} ${rows.length === 1 ? 'detection' : 'detections'}`;
  const times =
    `preprocess ${formatMs(speed.preprocess)}, inference ${formatMs(speed.inference)}, ` +
    `postprocess ${formatMs(speed.postprocess)}`;
  return `${file}  ${width} × ${height}\n${table}${found}; ${times}\n${saved ? `saved ${saved}\n` : ''}`;
}
