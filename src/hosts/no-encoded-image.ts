// `#encoded-image` for edge functions: a function has to import its own decoder.
import { FiligreeError } from '../errors.ts';
import type { Pixels } from '../vision/preprocessing.ts';

/** @throws FiligreeError `environment`, whose message has the import to write */
export async function decodeEncoded(): Promise<Pixels> {
  throw new FiligreeError(
    'environment',
    "image: edge functions have to import a decoder: import { decodeImage } from 'filigree/images', then " +
      'detector.detect(await decodeImage(new Uint8Array(await request.arrayBuffer())))',
  );
}
