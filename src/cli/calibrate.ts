// What a vision model's layers see on photos, for `compile --int8`.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ranges } from '../compile/index.ts';
import { FiligreeError } from '../errors.ts';
import type { ClassifierPreprocessing } from '../vision/classifier-metadata.ts';
import type { HeadName } from '../vision/presets.ts';
import type { ImageModel } from '../vision/model.ts';
import { readInput } from './files.ts';
import type { Progress } from './io.ts';
import { compileBytes, importBytes, type ModelOptions } from './models.ts';

/** More photos change ranges little. */
const mostPhotos = 64;

/** Shows a foreign model the first photos of a directory, by name, as its detector or classifier would see them. */
export async function calibrate(
  bytes: Uint8Array,
  path: string,
  directory: string,
  progress: Progress,
  options: ModelOptions & { head?: HeadName; preprocess?: ClassifierPreprocessing },
): Promise<Ranges> {
  const { Calibration } = await import('../compile/index.ts');
  const { writeArtifact } = await import('../artifact/write.ts');
  const { loadModel } = await import('../runtime/load.ts');
  const { decodeImage } = await import('../images/decode.ts');
  const photos = await photosIn(directory);
  const { metadata, outputs } = await compileBytes(bytes, path, progress, options);
  const calibration = new Calibration(await importBytes(bytes, path, progress, options), metadata);
  const model = await loadModel(writeArtifact(calibration.program));
  const observed: ImageModel = {
    name: path,
    inputs: model.inputs,
    outputs: model.outputs.slice(0, outputs.length),
    metadata: model.metadata,
    async runImage(image, preprocessing) {
      const result = await model.runImage(image, preprocessing);
      calibration.observe(result.outputs);
      return result;
    },
    dispose: () => model.dispose(),
  };
  const seer = await seerOf(observed, options);
  try {
    for (const [i, photo] of photos.entries()) {
      progress.show(`calibrating: ${i + 1}/${photos.length} photos`);
      await seer.see(await decodeImage(await readInput(photo), { name: photo }));
    }
  } finally {
    progress.clear();
    observed.dispose();
  }
  return calibration.ranges();
}

type Pixels = Parameters<ImageModel['runImage']>[0];

async function seerOf(
  model: ImageModel,
  { head, preprocess }: { head?: HeadName; preprocess?: ClassifierPreprocessing },
): Promise<{ see(image: Pixels): Promise<unknown> }> {
  const { classifierShape } = await import('../vision/classifier-metadata.ts');
  if (head === undefined && classifierShape(model.inputs, model.outputs)) {
    const { Classifier } = await import('../vision/classifier.ts');
    const classifier = new Classifier(model, { preprocessing: preprocess });
    return { see: (image) => classifier.classify(image) };
  }
  const { Detector } = await import('../vision/detector.ts');
  const detector = await Detector.of(model, { head });
  return { see: (image) => detector.detect(image) };
}

async function photosIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((cause: Error) => {
    throw new FiligreeError('not-found', `${directory}: ${cause.message}`, { cause });
  });
  const photos = names.filter((name) => /\.(jpe?g|png|webp|gif|bmp)$/i.test(name)).toSorted();
  if (photos.length === 0)
    throw new FiligreeError('not-found', `${directory}: no photos (jpg, png, …) to calibrate with`);
  return photos.slice(0, mostPhotos).map((name) => join(directory, name));
}
