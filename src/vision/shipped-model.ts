import { FiligreeError, type FiligreeErrorCode } from '../errors.ts';

/** A model that comes with the package. */
export interface ShippedModel {
  readonly url: URL;
  /** Digest of its bytes, as in `LoadOptions.integrity`; only in builds. */
  readonly integrity?: string;
  /** Explains a failed load: the file may be missing from a bundle. */
  explain(error: unknown): unknown;
}

/**
 * @param file its name in dist/models/, without the extension
 * @param locate gives its place beside the bundle
 * @throws FiligreeError `not-found` in bundles of CommonJS, which do not say where they lie
 */
export function shippedModel(name: string, file: string, locate: () => URL, integrity?: string): ShippedModel {
  const leftBehind = (code: FiligreeErrorCode, why: string, cause: unknown) =>
    new FiligreeError(
      code,
      `${name}: the model is not where the package expects it (${why}). Vite and webpack take it along; for another ` +
        `bundler import it, import model from 'filigree/models/${file}.filigree' with { type: 'bytes' }, and pass it in ` +
        'place of the name; or serve the file and pass its URL',
      { cause },
    );
  let url: URL;
  try {
    url = locate();
  } catch (cause) {
    throw leftBehind('not-found', 'the bundle is CommonJS, which does not say where it lies', cause);
  }
  return {
    url,
    integrity,
    explain(error) {
      if (!(error instanceof FiligreeError) || !['not-found', 'invalid-model'].includes(error.code)) return error;
      // Deno, without --allow-read: the file is there, and its message says what to do
      if (error.cause instanceof Error && error.cause.name === 'NotCapable') return error;
      return leftBehind(error.code, error.message, error);
    },
  };
}
