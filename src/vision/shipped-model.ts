import { FiligreeError } from '../errors.ts';

/** A model that comes with the package. */
export interface ShippedModel {
  readonly url: URL;
  /** Digest of its bytes, as in `LoadOptions.integrity`; only in builds. */
  readonly integrity?: string;
  /** Explains a failed load: the file may be missing from a bundle. */
  explain(error: unknown): unknown;
}

/** @param file its name in dist/models/, without the extension */
export function shippedModel(name: string, file: string, url: URL, integrity?: string): ShippedModel {
  return {
    url,
    integrity,
    explain(error) {
      if (!(error instanceof FiligreeError) || !['not-found', 'invalid-model'].includes(error.code)) return error;
      return new FiligreeError(
        error.code,
        `${name}: the model is not where the package expects it (${error.message}). Vite and webpack take it along; for ` +
          `another bundler import it, import model from 'filigree/models/${file}.filigree' with { type: 'bytes' }, and ` +
          'pass it in place of the name; or serve the file and pass its URL',
        { cause: error },
      );
    },
  };
}
