import type { Activation } from '../program/activations.ts';
import type { Pointer, TapTable } from '../program/program.ts';
import type { Candidate } from './lowering.ts';
import type { Range } from './ranges.ts';

/** W (rows, columns) and what it multiplies. Strides are in floats. */
export interface MatrixProduct {
  rows: number;
  columns: number;
  weights: Float32Array;
  bias?: Float32Array;
  /** Where each column finds its plane, in bytes from x. */
  taps: TapTable;
  x: Pointer;
  y: Pointer;
  batch: number;
  xBatch: number;
  yBatch: number;
  /** Of an output plane, and the floats from one to the next. */
  height: number;
  width: number;
  yPlane: number;
  /** Floats of an input row when x is a padded copy; 0 when x's planes are read pixel by pixel. */
  rowPixels: number;
  /** Laid out as y: y = act(W · x + bias + residual). May be y where `rowPixels` is 0. */
  residual?: Pointer;
  activation?: Activation;
  /** Of x, where it is known and the product may be done in eight bits. */
  range?: Range;
}

/** A way to do a product, and what does it so. */
export interface ProductCandidate extends Candidate {
  emit(): void;
}
