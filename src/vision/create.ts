import type { LoadOptions } from '../runtime/load.ts';
import { modelOf } from '../runtime/load.ts';
import type { Model } from '../runtime/model.ts';
import type { ModelSource } from '../runtime/source.ts';
import type { DetectorSettings } from './detector.ts';
import { Detector } from './detector.ts';

/** Loads a detection model, or takes one that is loaded, and makes a detector of it. */
export async function createDetector(
  source: ModelSource | Model,
  options: LoadOptions & DetectorSettings = {},
): Promise<Detector<Model>> {
  const model = await modelOf(source, options);
  try {
    return await Detector.of(model, options);
  } catch (error) {
    if (model !== source) model.dispose();
    throw error;
  }
}
