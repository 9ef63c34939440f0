// Photos in files, for calibration.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FiligreeError } from '../errors.ts';
import { readInput } from '../files/read.ts';
import type { CalibrationPhoto } from '../prune/photo-samples.ts';
import type { ProgressDisplay } from './progress.ts';
import { progressBar } from './progress.ts';

/** The first photos of a directory, by name. @throws FiligreeError `not-found` when there are none */
export async function photosIn(directory: string, most: number): Promise<string[]> {
  const names = await readdir(directory).catch((cause: Error) => {
    throw new FiligreeError('not-found', `${directory}: ${cause.message}`, { cause });
  });
  const photos = names.filter((name) => /\.(jpe?g|png|webp|gif|bmp)$/i.test(name)).toSorted();
  if (photos.length === 0)
    throw new FiligreeError('not-found', `${directory}: no photos (jpg, png, …) to calibrate with`);
  return photos.slice(0, most).map((name) => join(directory, name));
}

/** Photo files to calibrate with. */
export function calibrationPhotos(files: readonly string[]): CalibrationPhoto[] {
  return files.map((file) => ({
    name: basename(file),
    async decode() {
      const { decodeImage } = await import('../images/decode.ts');
      return decodeImage(await readInput(file), { name: file });
    },
  }));
}

/** Shows how many photos have been looked at. */
export function photoProgress(count: number, progress: ProgressDisplay): (index: number) => void {
  const start = performance.now();
  return (index) => progress.show(`calibrating ${progressBar(index, count, performance.now() - start, 'photos')}`);
}
