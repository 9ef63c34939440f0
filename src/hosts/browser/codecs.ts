// `#codecs` for pages: the browser's own decoders, which also know other formats.
import { FiligreeError } from '../../errors.ts';

/** 400 MB of pixels. */
export const mostPixels = 100e6;

type Decoded = { data: Uint8ClampedArray; width: number; height: number };

/** Decodes with the browser and applies the EXIF orientation. @returns RGBA on white */
async function decode(bytes: Uint8Array<ArrayBuffer>): Promise<Decoded> {
  const bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: 'from-image' });
  try {
    const { width, height } = bitmap;
    const context = canvasOf(width, height);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return { data: context.getImageData(0, 0, width, height).data, width, height };
  } finally {
    bitmap.close();
  }
}

export const decodeJpeg = async (
  bytes: Uint8Array<ArrayBuffer>,
): Promise<{ image: Decoded; complaints: string[] }> => ({
  image: await decode(bytes),
  complaints: [],
});
export const decodePng = decode;
export const decodeWebp = decode;
/** AVIF and other formats that this browser knows. */
export const decodeOther: ((bytes: Uint8Array<ArrayBuffer>) => Promise<Decoded>) | undefined = decode;

export async function encodePngBytes({ data, width, height }: Decoded): Promise<Uint8Array<ArrayBuffer>> {
  const context = canvasOf(width, height);
  context.putImageData(new ImageData(data as ImageDataArray, width, height), 0, 0);
  const blob = await context.canvas.convertToBlob({ type: 'image/png' });
  return new Uint8Array(await blob.arrayBuffer());
}

function canvasOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context =
    typeof OffscreenCanvas === 'function' &&
    new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context) return context;
  throw new FiligreeError('environment', 'image: this host has no OffscreenCanvas, which decodes and encodes images');
}
