import type { LoadOptions } from '../runtime/load.ts';
import { modelOf } from '../runtime/load.ts';
import type { Model } from '../runtime/model.ts';
import type { ModelSource } from '../runtime/source.ts';
import type { Classifier, ClassifierSettings } from './classifier.ts';
import type { Detector, DetectorSettings } from './detector.ts';

// The code of detectors and classifiers loads in parallel with the model.

/** Loads a detection model, or takes one that is loaded, and makes a detector of it. */
export function createDetector(
  source: ModelSource | Model,
  options: LoadOptions & DetectorSettings = {},
): Promise<Detector<Model>> {
  const part = import('./detector.ts');
  part.catch(() => {}); // said below, unless the model is what fails
  return create(source, options, async (model) => {
    const { Detector } = await part;
    return Detector.of(model, options);
  });
}

/** Loads a classification model, or takes one that is loaded, and makes a classifier of it. */
export function createClassifier(
  source: ModelSource | Model,
  options: LoadOptions & ClassifierSettings = {},
): Promise<Classifier<Model>> {
  const part = import('./classifier.ts');
  part.catch(() => {});
  return create(source, options, async (model) => {
    const { Classifier } = await part;
    return new Classifier(model, options);
  });
}

/** What `make` makes of a model. One that was loaded for it is disposed of when that fails. */
async function create<T>(
  source: ModelSource | Model,
  options: LoadOptions,
  make: (model: Model) => Promise<T>,
): Promise<T> {
  const model = await modelOf(source, options);
  try {
    return await make(model);
  } catch (error) {
    if (model !== source) model.dispose();
    throw error;
  }
}
