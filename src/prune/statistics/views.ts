// Makes several views of a photo, so that few photos calibrate like many.
import type { Pixels } from '../../vision/preprocessing.ts';
import type { RandomNumbers } from '../random-numbers.ts';

/** The minimum share of a photo's width, and of its height, in a view. */
const minSide = 0.5;

/** The photo itself, its mirror image, then parts of it, alternately unchanged and mirrored. */
export function viewsOf(photo: Pixels, count: number, random: RandomNumbers): Pixels[] {
  const { width, height } = photo;
  const views: Pixels[] = [];
  for (let i = 0; i < count; i++) {
    const mirrored = i % 2 === 1;
    if (i < 2) {
      views.push(mirrored ? part(photo, 0, 0, width, height, true) : photo);
      continue;
    }
    const side = minSide + (1 - minSide) * random.uniform();
    const [w, h] = [width, height].map((size) => Math.max(1, Math.round(size * side)));
    views.push(part(photo, random.below(width - w + 1), random.below(height - h + 1), w, h, mirrored));
  }
  return views;
}

function part(photo: Pixels, left: number, top: number, width: number, height: number, mirrored: boolean): Pixels {
  const { channels } = photo;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = ((top + y) * photo.width + left) * channels;
    if (!mirrored) {
      data.set(photo.data.subarray(row, row + width * channels), y * width * channels);
      continue;
    }
    for (let x = 0; x < width; x++) {
      const from = row + (width - 1 - x) * channels;
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = photo.data[from + c];
    }
  }
  return { data, width, height, channels };
}
