import type { LoadOptions } from '../runtime/load.ts';
import { modelOf } from '../runtime/load.ts';
import type { Model } from '../runtime/model.ts';
import type { ModelSource } from '../runtime/source.ts';
import type { Classifier, ClassifierSettings } from './classifier.ts';
import type { Detector, DetectorSettings } from './detector.ts';

// Detector and classifier code loads in parallel with the model.

/** Loads a detection model, or takes a loaded one, and makes a detector of it. */
export function createDetector(
  source: ModelSource | Model,
  options: LoadOptions & DetectorSettings = {},
): Promise<Detector<Model>> {
  const part = import('./detector.ts');
  part.catch(() => {}); // the await below reports it, unless the model fails first
  return create(source, options, async (model) => {
    const { Detector } = await part;
    return Detector.of(model, options);
  });
}

/** Loads a classification model, or takes a loaded one, and makes a classifier of it. */
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

/** Loads the model and passes it to `make`. A model loaded here is disposed of if `make` fails. */
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
