// An image into a model's input, and what looks through its outputs in place: not all who load models need it.
import { FiligreeError } from '../errors.ts';
import type { Endpoint, Program } from '../program/program.ts';
import { imageTarget, writeImage } from './image-input.ts';
import type { growMemory, Instance } from './instantiate.ts';
import { OutputsInPlace } from './outputs.ts';
import type { Geometry, Pixels, Preprocessing } from './preprocessing.ts';
import { checkPixels, imageGeometry } from './preprocessing.ts';
import type { recordBytes, writeRecord } from './record.ts';
import type { Outputs } from './scan.ts';
import type { readValues } from './transfer.ts';

/** A model as its methods see it, and what they have at hand: it is not loaded twice. */
export interface Place {
  readonly recordBytes: typeof recordBytes;
  readonly writeRecord: typeof writeRecord;
  readonly growMemory: typeof growMemory;
  readonly readValues: typeof readValues;
  readonly program: Program;
  readonly instance: Instance;
  /** Where memory behind the program starts. */
  readonly free: number;
  address(endpoint: Endpoint): number;
}

/** Writes an image into the only input. @throws FiligreeError `invalid-argument` as `Model.runImage` */
export function putImage(place: Place, image: Pixels, preprocessing: Preprocessing): Geometry {
  const { name, inputs } = place.program;
  if (inputs.length !== 1)
    throw new FiligreeError('invalid-argument', `${name}: has ${inputs.length} inputs, not one image`);
  const [endpoint] = inputs;
  checkPixels(image);
  const geometry = imageGeometry(image, preprocessing);
  const target = imageTarget(endpoint, place.address(endpoint), name);
  writeImage(place, target, image, preprocessing, geometry);
  return geometry;
}

/** Outputs where they are. */
export const outputsOf = (place: Place): Outputs => new OutputsInPlace(place);
