// `#models` for Vercel's edge functions, which have no files.
import { FiligreeError } from '../../errors.ts';
import type { ShippedClassifier, ShippedDetector } from '../../vision/shipped.ts';
import type { ShippedModel } from '../../vision/shipped-model.ts';
import { shippedFiles } from '../shipped-files.ts';

export const shippedDetectors = Object.keys(shippedFiles) as ShippedDetector[];

/** @throws FiligreeError `environment`, whose message says what to write instead */
export async function shippedDetector(name: ShippedDetector): Promise<ShippedModel> {
  throw toTakeAlong(name, shippedFiles[name], 'createDetector');
}

/** @throws FiligreeError the same */
export async function shippedClassifier(name: ShippedClassifier): Promise<ShippedModel> {
  throw toTakeAlong(name, name, 'createClassifier');
}

const toTakeAlong = (name: string, file: string, create: string) =>
  new FiligreeError(
    'environment',
    `${name}: an edge function has to take its model along: ` +
      `${create}(await fetch(new URL('filigree/models/${file}.filigree', import.meta.url)))`,
  );
