// A model's accuracy as one number, for detectors and classifiers.
import { writeArtifact } from '../artifact/write.ts';
import { FiligreeError } from '../errors.ts';
import type { Program } from '../program/program.ts';
import { loadModel } from '../runtime/load.ts';
import { detectionDefaults, measureClasses, measureDetections, readClasses, readDetections } from './evaluation.ts';
import type { Annotated, ClassificationOptions, DetectionOptions, ImageOptions } from './evaluation.ts';
import type { ProgressDisplay } from './progress.ts';

export type { Annotated };

/** Reads annotations by file name: labels as .csv, objects in images as .json. */
export async function readAnnotated(list: string, options: ImageOptions): Promise<Annotated> {
  if (/\.csv$/i.test(list)) return readClasses(list, options);
  if (/\.json$/i.test(list)) return readDetections(list, options);
  throw new FiligreeError('invalid-argument', `${list}: wanted labels as .csv, or COCO's instances as .json`);
}

/** A detector's AP or a classifier's top-1: 0 … 1. */
export async function accuracyOf(
  program: Program,
  images: Annotated,
  options: Partial<DetectionOptions> & ClassificationOptions,
  progress: ProgressDisplay,
): Promise<{ value: number; notes: string[] }> {
  const model = await loadModel(writeArtifact(program));
  if (images.kind === 'classification') {
    const { top1, notes } = await measureClasses(model, images, options, progress);
    return { value: top1, notes };
  }
  const { metrics, notes } = await measureDetections(model, images, { ...detectionDefaults, ...options }, progress);
  return { value: metrics.ap, notes };
}
