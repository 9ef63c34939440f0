// Images on their way to a worker: copied, because they stay the caller's.
import { FiligreeError } from '../errors.ts';
import { checked, drawableSize, isEncoded, isPixels, notReadable, type ImageSource } from './image-source.ts';
import type { SentImage } from './worker-messages.ts';

/**
 * What can be sent of an image, and what of that is given away.
 * @throws FiligreeError `invalid-argument` for what is no image, has not loaded yet, or comes from another site
 */
export async function sendable(image: ImageSource): Promise<{ sent: SentImage; transfer: readonly unknown[] }> {
  if (isPixels(image)) {
    const { data, ...size } = checked(image);
    const copy = new Uint8Array(data); // a Buffer's slice() is a view
    return { sent: { data: copy, ...size }, transfer: [copy.buffer] };
  }
  if (isEncoded(image)) {
    if (image instanceof URL) return { sent: image.href, transfer: [] };
    const isPath = typeof image === 'string' && typeof document === 'object';
    return { sent: isPath ? new URL(image, document.baseURI).href : image, transfer: [] };
  }
  drawableSize(image);
  if (typeof VideoFrame === 'function' && image instanceof VideoFrame) {
    const frame = image.clone();
    return { sent: frame, transfer: [frame] };
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(image as ImageBitmapSource);
  } catch (cause) {
    if ((cause as Error).name === 'SecurityError') throw notReadable(cause);
    throw new FiligreeError('invalid-argument', `image: it cannot be read: ${(cause as Error).message}`, { cause });
  }
  return { sent: bitmap, transfer: [bitmap] };
}
