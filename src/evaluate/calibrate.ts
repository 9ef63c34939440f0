// What a vision model's layers see on photos, for `compile --int8`.
import type { Ranges } from '../compile.ts';
import type { ImageModel } from '../vision/model.ts';
import type { Progress } from '../cli/io.ts';
import { compileBytes, importBytes, type ModelOptions } from '../cli/models.ts';
import { photosIn, showPhotos, type SightOptions } from './photos.ts';

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
  await showPhotos(observed, photos, progress, options);
  return calibration.ranges();
}
