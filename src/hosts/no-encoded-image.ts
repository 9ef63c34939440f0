// `#encoded-image` for edge functions: decoders are part of a function that imports them.
import { FiligreeError } from '../errors.ts';
import type { Pixels } from '../vision/preprocessing.ts';

/** @throws FiligreeError `environment` with the import to write */
export async function decodeEncoded(): Promise<Pixels> {
  throw new FiligreeError(
    'environment',
    "image: edge functions have to import a decoder: import { decodeImage } from 'filigree/images', then " +
      'detector.detect(await decodeImage(new Uint8Array(await request.arrayBuffer())))',
  );
}
