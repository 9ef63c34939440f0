// Photos in files, where the host has no canvas: Node, Deno, Bun. filigree/images decodes them. src/hosts/ has what takes the
// place of this module elsewhere (scripts/hosts.mjs).
import { FiligreeError } from '../errors.ts';
import { readSource, sourceName } from '../runtime/source.ts';
import type { Pixels } from './preprocessing.ts';

/** A photo as a file holds it: its path (Node, Deno, Bun) or URL, its bytes, or a Blob of them. */
export type EncodedImage = string | URL | Uint8Array | ArrayBuffer | Blob;

/**
 * Reads and decodes a photo.
 * @throws FiligreeError `not-found` without a file, `invalid-image` when it is no JPEG, PNG or WebP image, `environment`
 * when nothing decodes images
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
  decoding.catch(() => {}); // said below, unless the file is what fails
  const bytes = await readSource(source, { signal });
  const { decodeImage } = await decoding;
  return decodeImage(bytes, { name: name === 'model' ? 'image' : name });
}
