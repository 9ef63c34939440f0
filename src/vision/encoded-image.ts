// `#encoded-image` for hosts without a canvas (Node, Deno, Bun): filigree/images decodes photos in files.
import { FiligreeError } from '../errors.ts';
import { readSource, sourceName } from '../runtime/source.ts';
import type { Pixels } from './preprocessing.ts';

/** A photo in a file: its path (Node, Deno, Bun) or URL, its bytes, or a Blob. */
export type EncodedImage = string | URL | Uint8Array | ArrayBuffer | Blob;

/**
 * Reads and decodes a photo.
 * @throws FiligreeError `not-found` without a file, `invalid-image` when it is not a JPEG, PNG or WebP image,
 * `environment` when no decoder loads
 */
export async function decodeEncoded(source: EncodedImage, signal?: AbortSignal): Promise<Pixels> {
  const name = sourceName(source);
  const decoding = import('filigree/images').catch((cause) => {
    throw new FiligreeError(
      'environment',
      `image: photos in files are decoded by filigree/images, which does not load here (${(cause as Error).message}); ` +
        'decode the photo yourself and pass { data, width, height, channels }',
      { cause },
    );
  });
  decoding.catch(() => {}); // the await below reports it, unless reading the file fails first
  const bytes = await readSource(source, { signal });
  const { decodeImage } = await decoding;
  return decodeImage(bytes, { name: name === 'model' ? 'image' : name });
}
