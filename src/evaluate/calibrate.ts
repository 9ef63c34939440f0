// What a vision model's layers see on photos, for `compile --int8`.
import type { Ranges } from '../compile.ts';
import type { Graph } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import type { ImageModel } from '../vision/model.ts';
import type { ProgressDisplay } from './progress.ts';
import { eachPhoto, photosIn, visionModel, type SightOptions } from './photos.ts';

/** More photos change ranges little. */
const maxPhotos = 64;

/**
 * Shows a model the first photos of a directory, by name, as its detector or classifier would see them.
 * @param path what messages call the model
 * @param program the model compiled: its metadata say how it sees photos
 * @param graph the model as it was imported; optimised in place
 */
export async function calibrate(
  path: string,
  { metadata, outputs }: Program,
  graph: Graph,
  directory: string,
  progress: ProgressDisplay,
  options: SightOptions,
): Promise<Ranges> {
  const { Calibration } = await import('../compile.ts');
  const { writeArtifact } = await import('../artifact/write.ts');
  const { loadModel } = await import('../runtime/load.ts');
  const photos = await photosIn(directory, maxPhotos);
  const calibration = new Calibration(graph, metadata);
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
