import type { ShippedDetector } from '../vision/shipped.ts';

/** Name of each model's file in dist/models/, without the extension. */
export const shippedFiles: Record<ShippedDetector, string> = {
  objects: 'objects',
  'objects-small': 'objects-small',
  faces: 'face-detection',
};
