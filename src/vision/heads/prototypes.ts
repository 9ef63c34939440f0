// Masks as sums of prototypes (YOLACT, https://arxiv.org/abs/1904.02689; YOLOv8's segmentation): each object has a coefficient
// for every prototype, and is where the sum of prototypes times coefficients is positive.
import type { TensorDescription } from '../fields.ts';
import { invalid } from '../fields.ts';
import type { Mask } from '../mask.ts';
import { imageToInput, type Geometry, type Rectangle } from '../preprocessing.ts';
import { mapRows, type Rows } from './layout.ts';

export interface Prototypes {
  readonly rows: number;
  readonly columns: number;
  /** Prototype k of a pixel is its number k. */
  readonly pixels: Rows;
}

/** An output (1, prototypes, rows, columns), or (1, rows, columns, prototypes) without `channelsFirst`. */
export function prototypesIn(output: TensorDescription, channelsFirst: boolean): Prototypes {
  if (output.shape.length !== 4) {
    throw invalid(`metadata.vision.head: output "${output.name}"`, 'prototypes of masks of rank 4', output.shape);
  }
  const [rows, columns] = channelsFirst ? output.shape.slice(2) : output.shape.slice(1);
  return { rows, columns, pixels: mapRows(output, channelsFirst, rows, columns) };
}

/**
 * The mask of one object within a rectangle of image pixels. Sums are taken at the prototypes' resolution and interpolated
 * between their pixels' centres, as Ultralytics' process_mask_native does.
 */
export function maskFrom(
  values: ArrayLike<number>,
  { rows, columns, pixels }: Prototypes,
  coefficients: ArrayLike<number>,
  within: Rectangle,
  geometry: Geometry,
): Mask {
  const { x, y, width, height } = within;
  const mask: Mask = { x, y, width, height, data: new Uint8Array(width * height) };
  const across = places(
    width,
    columns,
    (i) => (imageToInput(geometry, x + i + 0.5, 0).x * columns) / geometry.inputWidth,
  );
  const down = places(height, rows, (i) => (imageToInput(geometry, 0, y + i + 0.5).y * rows) / geometry.inputHeight);
  if (width === 0 || height === 0) return mask;
  const [left, top] = [across.low[0], down.low[0]];
  const [wide, high] = [across.high[width - 1] - left + 1, down.high[height - 1] - top + 1];
  const sums = new Float32Array(wide * high);
  for (let k = 0; k < pixels.width; k++) {
    const coefficient = coefficients[k];
    for (let v = 0; v < high; v++) {
      let from = pixels.at + ((top + v) * columns + left) * pixels.anchorStep + k * pixels.step;
      for (let u = 0; u < wide; u++, from += pixels.anchorStep) sums[v * wide + u] += coefficient * values[from];
    }
  }
  for (let i = 0; i < height; i++) {
    const share = down.share[i];
    const upper = (down.low[i] - top) * wide - left;
    const lower = (down.high[i] - top) * wide - left;
    for (let j = 0; j < width; j++) {
      const [low, high] = [across.low[j], across.high[j]];
      const a = sums[upper + low] + (sums[upper + high] - sums[upper + low]) * across.share[j];
      const b = sums[lower + low] + (sums[lower + high] - sums[lower + low]) * across.share[j];
      if (a + (b - a) * share > 0) mask.data[i * width + j] = 1;
    }
  }
  return mask;
}

/** For each of `count` pixels the two of `length` places it lies between, and how far it is from the first to the second. */
function places(count: number, length: number, at: (i: number) => number) {
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const share = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const place = Math.min(Math.max(at(i) - 0.5, 0), length - 1);
    low[i] = Math.floor(place);
    high[i] = Math.min(low[i] + 1, length - 1);
    share[i] = place - low[i];
  }
  return { low, high, share };
}
