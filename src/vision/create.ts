import { FiligreeError } from '../errors.ts';
import type { LoadOptions } from '../runtime/load.ts';
import { modelOf } from '../runtime/load.ts';
import { Model } from '../runtime/model.ts';
import type { ModelSource } from '../runtime/source.ts';
import type { Classifier, ClassifierSettings } from './classifier.ts';
import { shippedClassifier, shippedDetector, shippedDetectors } from '#models';
import type { Detector } from './detector.ts';
import type { DetectorSettings } from './detector-settings.ts';
import type { ShippedClassifier, ShippedDetector } from './shipped.ts';
import type { ShippedModel } from './shipped-model.ts';
import type { WorkerDetector } from './worker-detector.ts';

// Detector and classifier code loads in parallel with the model.

/**
 * Loads a detection model, or takes a loaded one, and makes a detector of it.
 * @param source `objects`, `objects-small` or `faces`, which come with the package, or a source as for `loadModel`
 * @param options.worker loads and runs the model in a worker of its own, so that the calling thread stays free
 * @example
 * const detector = await createDetector('objects');
 * const { detections } = await detector.detect(document.querySelector('video'));
 */
export function createDetector(
  source: ShippedDetector | ModelSource,
  options: LoadOptions & DetectorSettings & { worker: true },
): Promise<WorkerDetector>;
export function createDetector(
  source: ShippedDetector | ModelSource | Model,
  options?: LoadOptions & DetectorSettings & { worker?: false },
): Promise<Detector<Model>>;
export function createDetector(
  source: ShippedDetector | ModelSource | Model,
  { worker, ...options }: LoadOptions & DetectorSettings & { worker?: boolean } = {},
): Promise<Detector<Model> | WorkerDetector> {
  if (source === 'imagenet') return Promise.reject(misplaced(source, 'classifier: createClassifier'));
  const shipped = shippedDetectors.find((name) => name === source);
  if (worker) return createInWorker(shipped, source, options);
  const part = import('./detector.ts');
  part.catch(() => {}); // the await below reports it, unless the model fails first
  const make = async (model: Model) => (await part).Detector.of(model, options);
  return shipped ? createShipped(shippedDetector(shipped), options, make) : create(source, options, make);
}

/**
 * Loads a classification model, or takes a loaded one, and makes a classifier of it.
 * @param source `imagenet`, which comes with the package, or a source as for `loadModel`
 * @example
 * const classifier = await createClassifier('imagenet');
 * const { classifications } = await classifier.classify(image);
 */
export function createClassifier(
  source: ShippedClassifier | ModelSource | Model,
  options: LoadOptions & ClassifierSettings = {},
): Promise<Classifier<Model>> {
  // names of their own: `shippedDetectors` would bring the detectors' files into bundles
  if (typeof source === 'string' && /^(objects(-small)?|faces)$/.test(source))
    return Promise.reject(misplaced(source, 'detector: createDetector'));
  const part = import('./classifier.ts');
  part.catch(() => {});
  const make = async (model: Model) => (await part).Classifier.of(model, options);
  return source === 'imagenet'
    ? createShipped(shippedClassifier(source), options, make)
    : create(source, options, make);
}

const misplaced = (name: string, what: string) =>
  new FiligreeError('invalid-argument', `${name} is a ${what}('${name}')`);

/**
 * Makes something of a model. A model that was loaded for it is disposed of when that fails.
 * @param explain what to say when loading fails
 */
async function create<T>(
  source: ModelSource | Model,
  options: LoadOptions,
  make: (model: Model) => Promise<T>,
  explain = (error: unknown) => error,
): Promise<T> {
  const model = await modelOf(source, options).catch((error) => {
    throw explain(error);
  });
  try {
    return await make(model);
  } catch (error) {
    if (model !== source) model.dispose();
    throw error;
  }
}

/** Like `create`, for a model that comes with the package. */
async function createShipped<T>(
  shipped: Promise<ShippedModel>,
  options: LoadOptions,
  make: (model: Model) => Promise<T>,
): Promise<T> {
  const { url, integrity, explain } = await located(shipped);
  return create(url, { integrity, ...options }, make, explain);
}

/** The place of a model of the package. Downloads are checked, and kept for the next visit. */
async function located(shipped: Promise<ShippedModel>): Promise<ShippedModel> {
  const model = await shipped;
  const isChecked = model.url.protocol !== 'file:' && typeof crypto !== 'undefined' && crypto.subtle !== undefined;
  return isChecked ? model : { ...model, integrity: undefined };
}

async function createInWorker(
  shipped: ShippedDetector | undefined,
  source: ModelSource | Model,
  options: LoadOptions & DetectorSettings,
): Promise<WorkerDetector> {
  const { WorkerDetector } = await import('#worker-detector');
  if (shipped) {
    const { url, integrity, explain } = await located(shippedDetector(shipped));
    return WorkerDetector.create(url, { integrity, ...options }).catch((error) => {
      throw explain(error);
    });
  }
  if (!(source instanceof Model)) return WorkerDetector.create(source, options);
  throw new FiligreeError(
    'invalid-argument',
    `${source.name}: worker: a model that is loaded stays where it is; give its file or URL instead`,
  );
}
