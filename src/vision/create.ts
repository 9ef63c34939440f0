import { FiligreeError } from '../errors.ts';
import type { LoadOptions } from '../runtime/load.ts';
import { modelOf } from '../runtime/load.ts';
import type { Model } from '../runtime/model.ts';
import type { ModelSource } from '../runtime/source.ts';
import type { Classifier, ClassifierSettings } from './classifier.ts';
import type { Detector } from './detector.ts';
import type { DetectorSettings } from './detector-settings.ts';
import { shippedDetector, shippedDetectors, type ShippedDetector } from './shipped.ts';

// Detector and classifier code loads in parallel with the model.

/**
 * Loads a detection model, or takes a loaded one, and makes a detector of it.
 * @param source `objects`, `objects-small` or `faces`, which come with the package, or a source as for `loadModel`
 * @example
 * const detector = await createDetector('objects');
 * const { detections } = await detector.detect(document.querySelector('video'));
 */
export function createDetector(
  source: ShippedDetector | ModelSource | Model,
  options: LoadOptions & DetectorSettings = {},
): Promise<Detector<Model>> {
  const part = import('./detector.ts');
  part.catch(() => {}); // the await below reports it, unless the model fails first
  const make = async (model: Model) => (await part).Detector.of(model, options);
  const shipped = shippedDetectors.find((name) => name === source);
  return shipped ? createShipped(shipped, options, make) : create(source, options, make);
}

/** Loads a classification model, or takes a loaded one, and makes a classifier of it. */
export function createClassifier(
  source: ModelSource | Model,
  options: LoadOptions & ClassifierSettings = {},
): Promise<Classifier<Model>> {
  if (typeof source === 'string' && (source === 'imagenet' || shippedDetectors.includes(source as ShippedDetector))) {
    const why = source === 'imagenet' ? 'no classifier comes with Filigree yet' : 'it is a detector: createDetector';
    const instead = 'give the path or URL of a classifier from "filigree compile"';
    return Promise.reject(new FiligreeError('invalid-argument', `createClassifier('${source}'): ${why}; ${instead}`));
  }
  const part = import('./classifier.ts');
  part.catch(() => {});
  return create(source, options, async (model) => {
    const { Classifier } = await part;
    return Classifier.of(model, options);
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

/** Like `create`, for a model that comes with the package. Downloads are checked, and kept for the next visit. */
async function createShipped<T>(
  name: ShippedDetector,
  options: LoadOptions,
  make: (model: Model) => Promise<T>,
): Promise<T> {
  const { url, integrity, explain } = await shippedDetector(name);
  const isChecked = url.protocol !== 'file:' && typeof crypto !== 'undefined' && crypto.subtle !== undefined;
  const model = await modelOf(url, isChecked ? { integrity, ...options } : options).catch((error) => {
    throw explain(error);
  });
  return create(model, options, make);
}
