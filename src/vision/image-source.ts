// Converts a host's image types to bytes.
import { FiligreeError } from '../errors.ts';
import type { HostClass } from '../host.ts';
import { checkPixels, type Pixels } from './preprocessing.ts';

/** An image: pixels in memory on any host; in browsers also a page's elements. */
export type ImageSource =
  | Pixels
  | HostClass<'ImageData'>
  | HostClass<'ImageBitmap'>
  | HostClass<'HTMLImageElement'>
  | HostClass<'HTMLVideoElement'>
  | HostClass<'HTMLCanvasElement'>
  | HostClass<'OffscreenCanvas'>
  | HostClass<'VideoFrame'>
  | Blob;

type Canvas2d = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Reads images through one 2-D canvas, kept for reuse. Transparent pixels are shown on white. */
export class ImageReader {
  private context: Canvas2d | undefined;

  /**
   * @throws FiligreeError `invalid-argument` when `source` is not an image or has not loaded yet, `environment` when
   * the host cannot read it
   */
  async read(source: ImageSource): Promise<Pixels> {
    if (isPixels(source)) return checked(source);
    if (isInstance(source, 'Blob')) {
      const bitmap = await decodeBlob(source as Blob);
      try {
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
    const { data } = context.getImageData(0, 0, width, height);
    return checked({ data: data as Uint8ClampedArray, width, height, channels: 4 });
  }
}

function isPixels(source: unknown): source is Pixels | ImageData {
  return typeof source === 'object' && source !== null && 'data' in source && 'width' in source && 'height' in source;
}

/** ImageData has no `channels`: it is always RGBA. */
function checked(source: Pixels | ImageData): Pixels {
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

function drawableSize(source: unknown): [width: number, height: number] {
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
    `image: got ${found}; wanted { data, width, height, channels }, ImageData, ImageBitmap, an image, video or canvas ` +
      'element, a VideoFrame or a Blob',
  );
}

async function decodeBlob(blob: Blob): Promise<ImageBitmap> {
  if (typeof createImageBitmap !== 'function') {
    throw new FiligreeError(
      'environment',
      'image: this host cannot decode a Blob; decode it first and pass { data, width, height, channels }',
    );
  }
  try {
    return await createImageBitmap(blob, { imageOrientation: 'from-image' });
  } catch (cause) {
    throw new FiligreeError(
      'invalid-image',
      `image: the Blob (${blob.type || 'no type'}) is not an image that this host can decode`,
      {
        cause,
      },
    );
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
