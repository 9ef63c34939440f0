// Converts a host's image types to bytes.
import { FiligreeError } from '../errors.ts';
import type { HostClass } from '../runtime/host-types.ts';
import type { EncodedImage } from './encoded-image.ts';
import { checkPixels, type Pixels } from './preprocessing.ts';

/**
 * An image: pixels in memory, or a photo in a file, on any host (edge functions decode it with `filigree/images`); in
 * browsers also a page's elements.
 */
export type ImageSource =
  | Pixels
  | HostClass<'ImageData'>
  | HostClass<'ImageBitmap'>
  | HostClass<'HTMLImageElement'>
  | HostClass<'HTMLVideoElement'>
  | HostClass<'HTMLCanvasElement'>
  | HostClass<'OffscreenCanvas'>
  | HostClass<'VideoFrame'>
  | EncodedImage;

type Canvas2d = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Reads images through one 2-D canvas, kept for reuse. Transparent pixels are shown on white. */
export class ImageReader {
  private context: Canvas2d | undefined;

  /**
   * @throws FiligreeError `invalid-argument` when `source` is not an image or has not loaded yet, `not-found` when there is no such
   * file, `invalid-image` when its bytes are not an image, `environment` when the host cannot read it; the signal's reason
   */
  async read(source: ImageSource, signal?: AbortSignal): Promise<Pixels> {
    signal?.throwIfAborted();
    if (isPixels(source)) return checked(source);
    if (isEncoded(source)) {
      if (!canDraw()) return (await import('#encoded-image')).decodeEncoded(source, signal);
      const bitmap = await decodeBlob(await blobOf(source, signal), source);
      try {
        signal?.throwIfAborted();
        return this.draw(bitmap, bitmap.width, bitmap.height);
      } finally {
        bitmap.close();
      }
    }
    const [width, height] = drawableSize(source);
    return this.draw(source as CanvasImageSource, width, height);
  }

  /** Releases the canvas. */
  dispose(): void {
    this.context = undefined;
  }

  private draw(image: CanvasImageSource, width: number, height: number): Pixels {
    const context = (this.context ??= createContext());
    context.canvas.width = width; // this also clears it
    context.canvas.height = height;
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(image, 0, 0, width, height);
    const { data } = readContext(context, width, height);
    return checked({ data: data as Uint8ClampedArray, width, height, channels: 4 });
  }
}

/** @throws FiligreeError `invalid-argument` for pixels from another site that does not allow reading them */
function readContext(context: Canvas2d, width: number, height: number): ImageData {
  try {
    return context.getImageData(0, 0, width, height);
  } catch (cause) {
    if ((cause as Error).name !== 'SecurityError') throw cause;
    throw notReadable(cause);
  }
}

/** @internal */
export function notReadable(cause: unknown): FiligreeError {
  return new FiligreeError(
    'invalid-argument',
    'image: the browser does not let the page read these pixels, because they come from another site: write ' +
      '<img crossorigin="anonymous"> (or <video crossorigin="anonymous">, or element.crossOrigin = "anonymous" before ' +
      'src is set), and have that site send the header Access-Control-Allow-Origin',
    { cause },
  );
}

/** @internal */
export function isPixels(source: unknown): source is Pixels | ImageData {
  return typeof source === 'object' && source !== null && 'data' in source && 'width' in source && 'height' in source;
}

/** @internal */
export function isEncoded(source: unknown): source is EncodedImage {
  return (
    typeof source === 'string' ||
    source instanceof URL ||
    source instanceof Uint8Array ||
    source instanceof ArrayBuffer ||
    isInstance(source, 'Blob')
  );
}

/**
 * Whether the host is a page or its worker: it decodes photos and reads pixels back. On hosts with files, strings are
 * paths.
 */
function canDraw(): boolean {
  if (typeof process === 'object' && process.getBuiltinModule?.('node:fs')) return false;
  return (
    typeof createImageBitmap === 'function' && (typeof OffscreenCanvas === 'function' || typeof document === 'object')
  );
}

/** A photo's bytes, from the sources of pages. */
async function blobOf(source: EncodedImage, signal?: AbortSignal): Promise<Blob> {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return new Blob([source as BlobPart]);
  if (typeof source !== 'string' && !(source instanceof URL)) return source;
  let response: Response;
  try {
    response = await fetch(source, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new FiligreeError('not-found', `image: ${String(source)}: ${(cause as Error).message}`, { cause });
  }
  if (response.ok) return response.blob();
  throw new FiligreeError('not-found', `image: ${String(source)}: HTTP ${response.status} ${response.statusText}`);
}

/**
 * ImageData has no `channels`: it is always RGBA.
 * @internal
 */
export function checked(source: Pixels | ImageData): Pixels {
  const { data, width, height } = source;
  const channels = 'channels' in source ? source.channels : 4;
  const pixels = { data, width, height, channels } as Pixels;
  checkPixels(pixels);
  return pixels;
}

/** Whether `value` is of a class that only some hosts define. */
function isInstance(value: unknown, className: string): boolean {
  const Class = (globalThis as Record<string, unknown>)[className];
  return typeof Class === 'function' && value instanceof Class;
}

/** @internal */
export function drawableSize(source: unknown): [width: number, height: number] {
  const sizes: [className: string, width: string, height: string][] = [
    ['HTMLImageElement', 'naturalWidth', 'naturalHeight'],
    ['HTMLVideoElement', 'videoWidth', 'videoHeight'],
    ['VideoFrame', 'displayWidth', 'displayHeight'],
    ['ImageBitmap', 'width', 'height'],
    ['HTMLCanvasElement', 'width', 'height'],
    ['OffscreenCanvas', 'width', 'height'],
  ];
  for (const [className, widthName, heightName] of sizes) {
    if (!isInstance(source, className)) continue;
    const { [widthName]: width, [heightName]: height } = source as Record<string, number>;
    if (width > 0 && height > 0) return [width, height];
    throw new FiligreeError(
      'invalid-argument',
      `image: the ${className} is ${width} × ${height} pixels; wait until it has loaded`,
    );
  }
  const found = source === null ? 'null' : ((source as object | undefined)?.constructor?.name ?? typeof source);
  throw new FiligreeError(
    'invalid-argument',
    `image: got ${found}; wanted { data, width, height, channels }, a photo's path, URL, bytes or Blob, or on pages ` +
      'ImageData, ImageBitmap, an image, video or canvas element, or a VideoFrame',
  );
}

async function decodeBlob(blob: Blob, source: EncodedImage): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob, { imageOrientation: 'from-image' });
  } catch (cause) {
    const from = typeof source === 'string' || source instanceof URL ? `${String(source).slice(0, 100)}: ` : '';
    const what = blob.type ? `${blob.size} bytes of type ${blob.type} are` : `${blob.size} bytes are`;
    throw new FiligreeError('invalid-image', `image: ${from}${what} not an image that this host can decode`, { cause });
  }
}

function createContext(): Canvas2d {
  const settings = { willReadFrequently: true };
  let context: Canvas2d | null = null;
  if (typeof OffscreenCanvas === 'function') {
    context = new OffscreenCanvas(1, 1).getContext('2d', settings) as Canvas2d | null;
  } else if (typeof document === 'object') {
    context = document.createElement('canvas').getContext('2d', settings) as Canvas2d | null;
  }
  if (!context) {
    throw new FiligreeError(
      'environment',
      'image: this host has no 2-D canvas; pass { data, width, height, channels } instead',
    );
  }
  return context;
}
