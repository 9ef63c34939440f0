// File names for the pictures of `detect --save`.
import { basename, extname, join, resolve } from 'node:path';

/**
 * One PNG in `directory` per photo, named after it. `-2`, `-3`, … are added to names that another picture or one of the
 * photos has.
 */
export function picturePaths(photos: readonly string[], directory: string): string[] {
  const taken = new Set(photos.map((photo) => resolve(photo)));
  return photos.map((photo) => {
    const stem = join(directory, basename(photo, extname(photo)));
    let path = `${stem}.png`;
    for (let i = 2; taken.has(resolve(path)); i++) path = `${stem}-${i}.png`;
    taken.add(resolve(path));
    return path;
  });
}

/** What is wrong with the file name for a photo's picture; undefined when nothing is. */
export function pictureFault(path: string, photo: string): string | undefined {
  if (resolve(path) === resolve(photo)) return 'is the photo itself';
  if (/\.(jpe?g|webp|gif|bmp|tiff?|avif|heic)$/i.test(path)) return 'pictures are written as PNG; name it .png';
  return undefined;
}
