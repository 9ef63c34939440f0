// A small JPEG copy of a picture.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import encode, { init } from '@jsquash/jpeg/encode.js';
import type { Pixels } from '../../vision/preprocessing.ts';

const maxSide = 480;
const quality = 78;

let ready: Promise<void> | undefined;

async function start(): Promise<void> {
  const file = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
  await init(await WebAssembly.compile(await readFile(file)));
}

/** The bytes of a JPEG file whose longer side has at most 480 pixels. */
export async function encodeThumbnail(image: Pixels): Promise<Uint8Array> {
  ready ??= start();
  await ready;
  const scale = Math.min(1, maxSide / Math.max(image.width, image.height));
  const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
  return new Uint8Array(
    await encode({ data: averaged(image, width, height), width, height } as ImageData, { quality }),
  );
}

/** RGBA at a smaller size: each pixel is the mean of the pixels it covers. */
export function averaged({ data, width, height, channels }: Pixels, columns: number, rows: number): Uint8ClampedArray {
  const out = new Uint8ClampedArray(4 * columns * rows).fill(255);
  const edge = (i: number, size: number, parts: number) => Math.floor((i * size) / parts);
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [edge(row, height, rows), edge(row + 1, height, rows)];
    for (let column = 0; column < columns; column++) {
      const [left, right] = [edge(column, width, columns), edge(column + 1, width, columns)];
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) sum += data[(y * width + x) * channels + (channels === 1 ? 0 : c)];
        }
        out[4 * (row * columns + column) + c] = sum / ((bottom - top) * (right - left));
      }
    }
  }
  return out;
}
