// Finds the ranges of a vision model's layers on photos, for `compile --int8`.
import type { Ranges } from '../compile.ts';
import type { Graph } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import type { ImageModel } from '../vision/model.ts';
import type { ProgressDisplay } from './progress.ts';
import type { VisionOptions } from '../prune/photo-samples.ts';
import { calibrationPhotos, photoProgress, photosIn } from './photos.ts';

/** More photos change ranges little. */
const maxPhotos = 64;

/**
 * Runs a model on the first photos of a directory, by name, preprocessed as its detector or classifier does.
 * @param path the model's name in messages
 * @param program the compiled model: its metadata says how photos are preprocessed
 * @param graph the imported model; optimised in place
 */
export async function calibrate(
  path: string,
  { metadata, outputs }: Program,
  graph: Graph,
  directory: string,
  progress: ProgressDisplay,
  options: VisionOptions,
): Promise<Ranges> {
  const { Calibration } = await import('../compile.ts');
  const { writeArtifact } = await import('../artifact/write.ts');
  const { loadModel } = await import('../runtime/load.ts');
  const { visionModel } = await import('../prune/photo-samples.ts');
  const photos = calibrationPhotos(await photosIn(directory, maxPhotos));
  const calibration = new Calibration(graph, metadata);
  const { runImage } = await import('../vision/run-image.ts');
  using model = await loadModel(writeArtifact(calibration.program));
  const known: ImageModel = {
    name: path,
    inputs: model.inputs,
    outputs: model.outputs.slice(0, outputs.length), // the rest are observed values
    metadata: model.metadata,
    session: (use) => model.session(use),
    dispose: () => model.dispose(),
  };
  const { preprocessing } = await visionModel(known, options);
  const show = photoProgress(photos.length, progress);
  try {
    for (const [i, photo] of photos.entries()) {
      show(i);
      calibration.observe((await runImage(model, await photo.decode(), preprocessing)).outputs);
    }
  } finally {
    progress.clear();
  }
  return calibration.ranges();
}
