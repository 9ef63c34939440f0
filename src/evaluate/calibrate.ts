// Calibrates a vision model on photos, for `compile --int8`.
import type { CompileOptions } from '../compile.ts';
import type { Graph } from '../graph/graph.ts';
import type { Program } from '../program/program.ts';
import type { VisionOptions } from '../prune/photo-samples.ts';
import type { Pixels } from '../vision/preprocessing.ts';
import type { ProgressDisplay } from './progress.ts';
import { calibrationPhotos, photoProgress, photosIn } from './photos.ts';

/** More photos change ranges little. */
const maxPhotos = 64;

/**
 * Runs a model on the first photos of a directory, by name, preprocessed as its detector or classifier does.
 * @param program the compiled model: its metadata says how photos are preprocessed, unless `preprocess` does
 * @param graph the imported model; it is not changed
 */
export async function calibrate(
  program: Program,
  graph: Graph,
  directory: string,
  progress: ProgressDisplay,
  { preprocess }: Pick<VisionOptions, 'preprocess'>,
): Promise<NonNullable<CompileOptions['int8']>> {
  const { calibrateBytes } = await import('../compile/measure-ranges.ts');
  const photos = await photosIn(directory, maxPhotos);
  return calibrateBytes(graph, program, { calibrate: decoded(photos, progress), preprocessing: preprocess });
}

/** Photos, decoded one after the other. */
async function* decoded(files: readonly string[], progress: ProgressDisplay): AsyncGenerator<Pixels> {
  const show = photoProgress(files.length, progress);
  try {
    for (const [i, photo] of calibrationPhotos(files).entries()) {
      show(i);
      yield photo.decode();
    }
  } finally {
    progress.clear();
  }
}
