// The models that come with the package, by name. Where each lies is said by a module of its own, loaded when the name is
// used: bundlers take along the file that such a module names, and nothing is downloaded for names that nobody uses.
import type { ShippedModel } from './shipped-model.ts';

/** Names of detectors that come with the package; models/README.md has what they find, how well and how fast. */
export type ShippedDetector = 'objects' | 'objects-small' | 'faces';

const detectors: Record<ShippedDetector, () => Promise<{ default: ShippedModel }>> = {
  objects: () => import('./shipped-objects.ts'),
  'objects-small': () => import('./shipped-objects-small.ts'),
  faces: () => import('./shipped-faces.ts'),
};

export const shippedDetectors = Object.keys(detectors) as ShippedDetector[];

/** Where a model that comes with the package lies. */
export const shippedDetector = async (name: ShippedDetector): Promise<ShippedModel> =>
  (await detectors[name]()).default;
