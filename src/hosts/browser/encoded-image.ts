// `#encoded-image` for pages, which decode photos with a canvas instead.
import { FiligreeError } from '../../errors.ts';
import type { Pixels } from '../../vision/preprocessing.ts';

/** @throws FiligreeError `environment` */
export async function decodeEncoded(): Promise<Pixels> {
  throw new FiligreeError(
    'environment',
    'image: this host has no canvas to decode photos with; pass { data, width, height, channels }',
  );
}
