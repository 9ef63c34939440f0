// `#models` for Vercel's edge functions, which have no files.
import { FiligreeError } from '../../errors.ts';
import type { ShippedDetector } from '../../vision/shipped.ts';
import type { ShippedModel } from '../../vision/shipped-model.ts';
import { shippedFiles } from '../shipped-files.ts';

export const shippedDetectors = Object.keys(shippedFiles) as ShippedDetector[];

/** @throws FiligreeError `environment`, whose message says what to write instead */
export async function shippedDetector(name: ShippedDetector): Promise<ShippedModel> {
  throw new FiligreeError(
    'environment',
    `${name}: an edge function has to take its model along: ` +
      `createDetector(await fetch(new URL('filigree/models/${shippedFiles[name]}.filigree', import.meta.url)))`,
  );
}
