// Whether what a model finds makes sense at all: outputs that are read as another head's do not.
import { FiligreeError } from '../errors.ts';
import type { Candidates } from './candidates.ts';
import type { Input } from './fields.ts';

/** So many boxes tell whether boxes are where they should be. */
const enough = 8;

/**
 * Looks at what a model finds first: scores have to be in 0…1, and the centres of most boxes within the input, give or take a
 * tenth of it.
 * @returns whether that is settled: not yet with few candidates
 * @throws FiligreeError `invalid-model` when it is not so
 */
export function checkPlausible({ length, boxes, scores }: Candidates, { width, height }: Input, name: string): boolean {
  const fail = (found: string) =>
    new FiligreeError(
      'invalid-model',
      `${name}: ${found}: its outputs are not what its head takes them for. Name another head, by the option head (--head)`,
    );
  let inside = 0;
  let farthest = 0;
  for (let i = 0; i < length; i++) {
    if (scores[i] > 1.001) throw fail(`scores should be in 0…1; one is ${Number(scores[i].toPrecision(4))}`);
    const x = (boxes[4 * i] + boxes[4 * i + 2]) / (2 * width);
    const y = (boxes[4 * i + 1] + boxes[4 * i + 3]) / (2 * height);
    farthest = Math.max(farthest, boxes[4 * i + 2], boxes[4 * i + 3]);
    if (x >= -0.1 && x <= 1.1 && y >= -0.1 && y <= 1.1) inside++;
  }
  if (length < enough) return false;
  if (inside < length / 2) {
    throw fail(
      `of its ${length} boxes only ${inside} have their centre within the input of ${width} × ${height} pixels`,
    );
  }
  if (farthest <= 2 && Math.min(width, height) > 16) {
    throw fail(`its ${length} boxes all lie within two pixels, as fractions of the input would`);
  }
  return true;
}
