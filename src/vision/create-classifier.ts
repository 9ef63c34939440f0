import type { LoadOptions } from '../runtime/load.ts';
import { modelOf } from '../runtime/load.ts';
import type { Model } from '../runtime/model.ts';
import type { ModelSource } from '../runtime/source.ts';
import type { ClassifierSettings } from './classifier.ts';
import { Classifier } from './classifier.ts';

/** Loads a classification model, or takes one that is loaded, and makes a classifier of it. */
export async function createClassifier(
  source: ModelSource | Model,
  options: LoadOptions & ClassifierSettings = {},
): Promise<Classifier<Model>> {
  const model = await modelOf(source, options);
  try {
    return new Classifier(model, options);
  } catch (error) {
    if (model !== source) model.dispose();
    throw error;
  }
}
