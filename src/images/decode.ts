// Decodes picture files to pixels, and encodes pixels as PNG files.
import { FiligreeError } from '../errors.ts';
import { checkPixels, type Pixels } from '../vision/preprocessing.ts';
import { decodeJpeg, decodeOther, decodePng, decodeWebp, encodePngBytes, mostPixels } from '#codecs';
import { describeBytes, jpegScans, readImageHeader } from './header.ts';

export interface DecodeOptions {
  /** The picture's name in errors, e.g. its path; `image` if not given. */
  name?: string;
  /**
   * Larger pictures are refused before they are decoded. Default: 100 megapixels, or 4 in edge functions, whose isolates
   * have 128 MB; for small files, which can claim any size, 16 megapixels and 64 pixels per byte.
   */
  maxPixels?: number;
}

/**
 * Progressive pictures have about ten scans. Each takes time for all pixels, but may take only a few bytes of the file.
 */
const maxScans = 100;

/**
 * Decodes a JPEG (with its EXIF orientation applied), PNG or WebP picture to RGBA. Pages use the browser's decoders,
 * and decode its other formats too (AVIF). Transparent pixels are shown on white.
 * @throws FiligreeError `invalid-image` when it is none of the three, broken, cut off, CMYK, too large, or a JPEG of
 * more than 100 scans
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Pixels> {
  const { name = 'image', maxPixels = Math.min(mostPixels, 16e6 + 64 * bytes.length) } = options;
  const header = readImageHeader(bytes);
  if (!header && decodeOther) return decodeUnknown(bytes, name, maxPixels);
  if (!header) {
    throw new FiligreeError('invalid-image', `${name}: not a JPEG, PNG or WebP image; ${describeBytes(bytes)}`);
  }
  const { format, width, height, components } = header;
  const broken = `${name}: a ${format} image of ${bytes.length} bytes that is broken or cut off`;
  if (width === undefined || height === undefined) {
    throw new FiligreeError('invalid-image', `${broken} (it does not say how large it is)`);
  }
  if (width * height > maxPixels) {
    throw tooLarge(name, width, height, maxPixels, options.maxPixels === undefined);
  }
  if (components === 4) {
    throw new FiligreeError('invalid-image', `${name}: a CMYK JPEG image, which is not supported; save it as RGB`);
  }
  const scans = format === 'JPEG' ? jpegScans(bytes) : 0;
  if (scans > maxScans) {
    throw new FiligreeError(
      'invalid-image',
      `${name}: a JPEG image of ${scans} scans; at most ${maxScans} are decoded`,
    );
  }
  const own = Uint8Array.from(bytes); // the decoder gets a buffer of its own
  try {
    if (format === 'JPEG') {
      const { image, complaints } = await decodeJpeg(own);
      if (complaints.some((line) => line.startsWith('Premature end'))) throw new Error('the file ends too early');
      return onWhite(image);
    }
    return onWhite(await (format === 'PNG' ? decodePng(own) : decodeWebp(own)));
  } catch (cause) {
    if (cause instanceof FiligreeError) throw cause;
    throw new FiligreeError('invalid-image', broken + reason(cause), { cause });
  }
}

/** A picture in a format that only the host can decode. Its size is known only after decoding. */
async function decodeUnknown(bytes: Uint8Array, name: string, maxPixels: number): Promise<Pixels> {
  let image;
  try {
    image = onWhite(await decodeOther!(Uint8Array.from(bytes)));
  } catch (cause) {
    throw new FiligreeError(
      'invalid-image',
      `${name}: not an image that this host can decode; ${describeBytes(bytes)}`,
      {
        cause,
      },
    );
  }
  const { width, height } = image;
  if (width * height > maxPixels) throw tooLarge(name, width, height, maxPixels, false);
  return image;
}

function tooLarge(name: string, width: number, height: number, maxPixels: number, isDefault: boolean): FiligreeError {
  const allowed = isDefault && maxPixels < mostPixels ? ' for a file as small as this one' : '';
  return new FiligreeError(
    'invalid-image',
    `${name}: the picture is too large: ${width} × ${height} pixels, ${megapixels(width * height)} megapixels, where at most ` +
      `${megapixels(maxPixels)} megapixels are decoded${allowed}; save it smaller, or raise maxPixels of decodeImage ` +
      '(a megapixel takes up to 19 MB of memory until something is found in it)',
  );
}

const megapixels = (pixels: number) => Number((pixels / 1e6).toPrecision(3));

/** The decoder's message, if it is meaningful. */
function reason(cause: unknown): string {
  const { message } = cause as Error;
  return /unwrap_throw|Decoding error|unreachable/.test(message) ? '' : ` (${message})`;
}

function onWhite({ data, width, height }: { data: Uint8ClampedArray; width: number; height: number }): Pixels {
  for (let i = 3; i < data.length; i += 4) {
    const alpha = data[i];
    if (alpha === 255) continue;
    for (let c = i - 3; c < i; c++) data[c] = (data[c] * alpha + 255 * (255 - alpha)) / 255;
    data[i] = 255;
  }
  return { data, width, height, channels: 4 };
}

/** Encodes a picture as a PNG file. */
export async function encodePng(pixels: Pixels): Promise<Uint8Array<ArrayBuffer>> {
  checkPixels(pixels);
  const { width, height } = pixels;
  return encodePngBytes({ data: toRgba(pixels), width, height });
}

/** A copy with four channels; opaque where there was no alpha. */
export function toRgba({ data, width, height, channels }: Pixels): Uint8ClampedArray {
  if (channels === 4) return Uint8ClampedArray.from(data);
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < 3; c++) rgba[4 * pixel + c] = data[channels === 1 ? pixel : 3 * pixel + c];
  }
  return rgba;
}
