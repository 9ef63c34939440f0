import type { Activation } from '../program/activations.ts';
import type { Pointer, TapTable } from '../program/program.ts';
import type { Candidate } from './lowering.ts';

/** The planes that a 3×3 convolution of stride 1 reads, without padding. Strides are in floats. */
export interface UnpaddedPlanes {
  x: Pointer;
  xBatch: number;
  xPlane: number;
  height: number;
  width: number;
  /** Zeros around them: top, left, bottom, right. */
  pads: readonly number[];
}

/** W (rows, columns) and the planes that it multiplies. Strides are in floats. */
export interface MatrixProduct {
  rows: number;
  columns: number;
  weights: Float32Array;
  bias?: Float32Array;
  /** Byte offset from x of each column's plane. */
  taps: TapTable;
  x: Pointer;
  y: Pointer;
  batch: number;
  xBatch: number;
  yBatch: number;
  /** Size of an output plane, and the floats from one to the next. */
  height: number;
  width: number;
  yPlane: number;
  /** Floats of an input row when x is a padded copy; 0 when x's planes are read pixel by pixel. */
  rowPixels: number;
  /** In the layout of y: y = act(W · x + bias + residual). May be y itself when `rowPixels` is 0. */
  residual?: Pointer;
  activation?: Activation;
  /** What x is a padded copy of, where Winograd's tiles may compute the product. They do not read the copy. */
  unpadded?: UnpaddedPlanes;
  /** Floats that the padded copy reads and writes, for all products that share it. */
  copied?: { read: number; written: number; planes: number };
  /** In place of residual and activation: x < 0 ? slope·x : x, with a slope for each row. For planes of more than a pixel. */
  slopes?: Float32Array;
}

/** A candidate for a product, with the function that emits it. */
export interface ProductCandidate extends Candidate {
  emit(): void;
}
