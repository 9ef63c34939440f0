// y (rows, pixels) = round(scale · (W (rows, columns, 4) · x (columns, pixels, 4) + bias)): sums of products of bytes in quads.
// src/program/quads.ts says what the bytes mean, and which form of the product a host takes.
//
// A column is a word of four inputs: a plane of words, or a shifted plane of a padded copy. W is sparse in blocks of 4, 2 or 1 rows
// that share columns; dense weights are blocks of 4 with every column. Rows are filled up to a multiple of 4 with zeros:
//
//   weights    form | scale0…3 | bytes | bias0 … | offset w0 … | offset w0 … |        for each four rows: the form, their scales,
//                               | bytes | bias0 … | offset w0 … |                      then each block of rows: the bytes of its
//              form | scale0…3 | …                                                    entries, a bias (i32) per row, the entries
//
// An entry is the column's offset in bytes from x, then four weights of a byte each for every row of the block.
//
// Positions are pixels of a plane, or of the padded rows of a copy, where those between the rows of outputs are left out when
// a tile is written. Writes are exact to the word.
import { DotRecord } from '../generated/records';
import { dots_x1, dots_x2, dots_x4 } from '../generated/dot-tiles';

export function i8_dot_12x4(r: DotRecord): void {
  dots_x4(r);
}

export function i8_dot_24x2(r: DotRecord): void {
  dots_x2(r);
}

export function i8_dot_52x1(r: DotRecord): void {
  dots_x1(r);
}

export { i8_depthwise } from './depthwise';
