// What a vision model's layers see on photos, for `compile --int8`.
import type { Ranges } from '../compile.ts';
import type { ImageModel } from '../vision/model.ts';
import type { Progress } from '../cli/io.ts';
import { compileBytes, importBytes, type ModelOptions } from '../cli/models.ts';
import { eachPhoto, photosIn, visionModel, type SightOptions } from './photos.ts';

/** More photos change ranges little. */
const mostPhotos = 64;

/** Shows a foreign model the first photos of a directory, by name, as its detector or classifier would see them. */
export async function calibrate(
  bytes: Uint8Array,
  path: string,
  directory: string,
  progress: Progress,
  options: ModelOptions & SightOptions,
): Promise<Ranges> {
  const { Calibration } = await import('../compile.ts');
  const { writeArtifact } = await import('../artifact/write.ts');
  const { loadModel } = await import('../runtime/load.ts');
  const photos = await photosIn(directory, mostPhotos);
  const { metadata, outputs } = await compileBytes(bytes, path, progress, options);
  const calibration = new Calibration(await importBytes(bytes, path, progress, options), metadata);
  const { runImage } = await import('../vision/run-image.ts');
  using model = await loadModel(writeArtifact(calibration.program));
  const known: ImageModel = {
    name: path,
    inputs: model.inputs,
    outputs: model.outputs.slice(0, outputs.length), // what follows is observed
    metadata: model.metadata,
    session: (use) => model.session(use),
    dispose: () => model.dispose(),
  };
  const { preprocessing } = await visionModel(known, options);
  await eachPhoto(photos, progress, async (photo) => {
    calibration.observe((await runImage(model, photo, preprocessing)).outputs);
  });
  return calibration.ranges();
}
