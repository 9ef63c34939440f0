// `#models` for Cloudflare Workers, which have no files: a model is part of the worker, by import.
import { FiligreeError } from '../../errors.ts';
import type { ShippedClassifier, ShippedDetector } from '../../vision/shipped.ts';
import type { ShippedModel } from '../../vision/shipped-model.ts';
import { shippedFiles } from '../shipped-files.ts';

export const shippedDetectors = Object.keys(shippedFiles) as ShippedDetector[];

/** @throws FiligreeError `environment`, whose message has the import to write */
export async function shippedDetector(name: ShippedDetector): Promise<ShippedModel> {
  throw toImport(name, shippedFiles[name], 'createDetector');
}

/** @throws FiligreeError the same */
export async function shippedClassifier(name: ShippedClassifier): Promise<ShippedModel> {
  throw toImport(name, name, 'createClassifier');
}

const toImport = (name: string, file: string, create: string) =>
  new FiligreeError(
    'environment',
    `${name}: a worker has to import its model: import model from 'filigree/models/${file}.filigree', ` +
      `then ${create}(model); in wrangler.toml: rules = [{ type = "Data", globs = ["**/*.filigree"] }]`,
  );
