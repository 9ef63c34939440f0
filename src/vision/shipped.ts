// The models that come with the package, by name. One module per model names its file, and is loaded when the name is
// used: bundlers include files that such modules name, and only models in use are downloaded.
import type { ShippedModel } from './shipped-model.ts';

/** Names of detectors that come with the package; models/README.md lists their classes, accuracy and speed. */
export type ShippedDetector = 'objects' | 'objects-small' | 'faces';

/** Names of classifiers that come with the package. */
export type ShippedClassifier = 'imagenet';

const detectors: Record<ShippedDetector, () => Promise<{ default: ShippedModel }>> = {
  objects: () => import('./shipped-objects.ts'),
  'objects-small': () => import('./shipped-objects-small.ts'),
  faces: () => import('./shipped-faces.ts'),
};

export const shippedDetectors = Object.keys(detectors) as ShippedDetector[];

/** The location and digest of a detector that comes with the package. */
export const shippedDetector = async (name: ShippedDetector): Promise<ShippedModel> =>
  (await detectors[name]()).default;

/** The same of a classifier. Apart from detectors, so that bundles without classifiers leave it out. */
export const shippedClassifier = async (_name: ShippedClassifier): Promise<ShippedModel> =>
  (await import('./shipped-imagenet.ts')).default;
