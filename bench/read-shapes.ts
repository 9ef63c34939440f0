// Layers of networks from files.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { joinShapes, type NetworkShape } from './shapes.ts';

/** Those in bench/shapes/ that `npm run bench` measures. */
export const defaultShapes: readonly URL[] = ['mobilenet_v1', 'mobilenet_v2', 'face_full_range', 'linear', 'other'].map(
  (network) => new URL(`shapes/${network}.txt`, import.meta.url),
);

/** The layers of several files, each shape once, in the order in which they come. */
export const readShapes = (files: readonly (string | URL)[]): NetworkShape[] =>
  joinShapes(
    files.map((file) => {
      return { network: basename(String(file), '.txt'), text: readFileSync(file, 'utf8'), file: String(file) };
    }),
  );
