// Pictures for tests, made by the encoders of @jsquash.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { crc32, deflateSync } from 'node:zlib';

const require = createRequire(import.meta.url);
const compile = async (file: string) => WebAssembly.compile(await readFile(require.resolve(file)));

export interface Rgba {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** Each pixel by its position: (x, y) → [r, g, b, a]. */
export function paint(width: number, height: number, colour: (x: number, y: number) => number[]): Rgba {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(colour(x, y), 4 * (y * width + x));
  }
  return { data, width, height };
}

export async function jpegOf(image: Rgba, options = {}): Promise<Uint8Array> {
  const { default: encode, init } = await import('@jsquash/jpeg/encode.js');
  await (init as unknown as (module: unknown) => Promise<void>)(
    await compile('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'),
  );
  return new Uint8Array(
    await encode(image as ImageData, { quality: 95, chroma_subsample: 1, auto_subsample: false, ...options }),
  );
}

export async function pngOf(image: Rgba): Promise<Uint8Array> {
  const { default: encode, init } = await import('@jsquash/png/encode.js');
  await init(await compile('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'));
  return new Uint8Array(await encode(image as ImageData));
}

export async function webpOf(image: Rgba, lossless = false): Promise<Uint8Array> {
  const { default: encode, init } = await import('@jsquash/webp/encode.js');
  await (init as unknown as (module: unknown) => Promise<void>)(
    await compile('@jsquash/webp/codec/enc/webp_enc_simd.wasm'),
  );
  return new Uint8Array(await encode(image as ImageData, lossless ? { lossless: 1, exact: 1 } : { quality: 95 }));
}

/** Inserts an APP1 segment with one EXIF entry, the orientation, after the start of a JPEG. */
export function withOrientation(jpeg: Uint8Array, orientation: number, littleEndian = true): Uint8Array {
  const tiff = new DataView(new ArrayBuffer(26));
  tiff.setUint16(0, littleEndian ? 0x4949 : 0x4d4d);
  tiff.setUint16(2, 42, littleEndian);
  tiff.setUint32(4, 8, littleEndian); // first directory
  tiff.setUint16(8, 1, littleEndian); // of one entry
  tiff.setUint16(10, 0x0112, littleEndian);
  tiff.setUint16(12, 3, littleEndian); // SHORT
  tiff.setUint32(14, 1, littleEndian);
  tiff.setUint16(18, orientation, littleEndian);
  const body = [...Buffer.from('Exif\0\0', 'latin1'), ...new Uint8Array(tiff.buffer)];
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, body.length + 2, ...body, ...jpeg.subarray(2)]);
}

/** A PNG of any colour type, from rows of stored bytes. A palette has (10, 20, 30) and (40, 50, 60). */
export function pngByHand(width: number, colourType: number, depth: number, rows: readonly number[][]): Uint8Array {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, rows.length);
  header.setUint8(8, depth);
  header.setUint8(9, colourType);
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const ends = new DataView(new ArrayBuffer(8));
    ends.setUint32(0, data.length);
    ends.setUint32(4, crc32(body));
    return Buffer.concat([new Uint8Array(ends.buffer, 0, 4), body, new Uint8Array(ends.buffer, 4, 4)]);
  };
  const filtered = Uint8Array.from(rows.flatMap((row) => [0, ...row]));
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      chunk('IHDR', new Uint8Array(header.buffer)),
      ...(colourType === 3 ? [chunk('PLTE', Uint8Array.of(10, 20, 30, 40, 50, 60))] : []),
      chunk('IDAT', deflateSync(filtered)),
      chunk('IEND', new Uint8Array()),
    ]),
  );
}
