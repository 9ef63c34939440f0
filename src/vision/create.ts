import type { LoadOptions } from '../runtime/load.ts';
import { modelOf } from '../runtime/load.ts';
import type { Model } from '../runtime/model.ts';
import type { ModelSource } from '../runtime/source.ts';
import type { ClassifierSettings } from './classifier.ts';
import { Classifier } from './classifier.ts';
import type { DetectorSettings } from './detector.ts';
import { Detector } from './detector.ts';

/** Loads a detection model, or takes one that is loaded, and makes a detector of it. */
export function createDetector(
  source: ModelSource | Model,
  options: LoadOptions & DetectorSettings = {},
): Promise<Detector<Model>> {
  return create(source, options, (model) => Detector.of(model, options));
}

/** Loads a classification model, or takes one that is loaded, and makes a classifier of it. */
export function createClassifier(
  source: ModelSource | Model,
  options: LoadOptions & ClassifierSettings = {},
): Promise<Classifier<Model>> {
  return create(source, options, (model) => new Classifier(model, options));
}

/** What `make` makes of a model. One that was loaded for it is disposed of when that fails. */
async function create<T>(
  source: ModelSource | Model,
  options: LoadOptions,
  make: (model: Model) => T | Promise<T>,
): Promise<T> {
  const model = await modelOf(source, options);
  try {
    return await make(model);
  } catch (error) {
    if (model !== source) model.dispose();
    throw error;
  }
}
