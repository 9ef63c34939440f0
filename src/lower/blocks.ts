// Packs weights of bytes into the form that artifacts hold: blocks of four inputs × 4, 2 or 1 rows.
//
// A column is a word of four inputs at one position of the kernel: column (quad · kernelHeight + ky) · kernelWidth + kx, as in a
// tap table of ⌈inputs / 4⌉ channels. Rows are filled up with zeros to a multiple of 4, inputs too.
//
//   counts    n n n …          u32, kept columns in each group of rows; absent when all are kept
//   gaps      b b b …          u8, per kept column those left out since the last one; 255 adds 255, then continues
//   values    w w w w …        i8, per kept column four inputs for each row of the group
import { quadsOf } from '../program/quads.ts';
import type { Constant } from '../program/program.ts';
import type { Group } from '../program/tiles.ts';
import { pushGap } from './pack.ts';

export interface ByteMatrix {
  /** Output channels. */
  rows: number;
  /** Input channels. */
  inputs: number;
  /** Kernel height × width. */
  area: number;
  /** (rows, inputs, area), −127…127. */
  weights: Int8Array;
  /** Factor of each row's sum. */
  scales: ArrayLike<number>;
  /** Added to each row's sum: what zero points of inputs come to is part of it. */
  bias: ArrayLike<number>;
  /** Of the inputs' bytes: 0…127 or 0…255. */
  bits: 7 | 8;
}

/**
 * Whether kernels compute the matrix exactly, for bytes: whole sums stay in 32 bits, and sums times scales below 2²², for any
 * inputs. Weights of −128 are not taken. Layers that do not fit remain floats.
 */
export function sumsFit({ rows, weights, scales, bias, bits }: ByteMatrix): boolean {
  const columns = weights.length / rows;
  for (let row = 0; row < rows; row++) {
    let most = Math.abs(bias[row]);
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      if (weights[i] === -128) return false;
      most += Math.abs(weights[i]) * (2 ** bits - 1);
    }
    if (!(most < 2 ** 31 && most * scales[row] < 2 ** 22)) return false;
  }
  return true;
}

/**
 * @param group rows that share columns; `dense`: blocks of four rows, all of them
 * @param taps the buffer with the tap table
 */
export function packBlocks(m: ByteMatrix, group: Group | 'dense', taps: number): Extract<Constant, { form: 'blocks' }> {
  const { rows, inputs, area, weights, bits } = m;
  const filled = 4 * quadsOf(rows);
  const columns = quadsOf(inputs) * area;
  const size = group === 'dense' ? 4 : group;
  const counts: number[] = [];
  const gaps: number[] = [];
  const values: number[] = [];
  const block = new Int8Array(4 * size);
  for (let row = 0; row < filled; row += size) {
    let count = 0;
    let gap = 0;
    for (let column = 0; column < columns; column++) {
      const quad = Math.floor(column / area);
      const tap = column % area;
      block.fill(0);
      for (let i = 0; i < block.length; i++) {
        const [r, input] = [row + (i >> 2), 4 * quad + (i & 3)];
        if (r < rows && input < inputs) block[i] = weights[(r * inputs + input) * area + tap];
      }
      if (group !== 'dense' && block.every((w) => w === 0)) {
        gap++;
        continue;
      }
      pushGap(gaps, gap);
      gap = 0;
      count++;
      values.push(...block);
    }
    counts.push(count);
  }
  const isDense = group === 'dense';
  return {
    form: 'blocks',
    rows,
    columns,
    group: size,
    bits,
    counts: isDense ? null : Uint32Array.from(counts),
    gaps: isDense ? null : Uint8Array.from(gaps),
    values: Int8Array.from(values),
    scales: Float32Array.from({ length: filled }, (_, row) => (row < rows ? m.scales[row] : 0)),
    bias: Int32Array.from({ length: filled }, (_, row) => (row < rows ? m.bias[row] : 0)),
    taps,
  };
}

/**
 * Weights of a depthwise convolution: for each four channels four biases, four scales and a word for each kernel position.
 * @param m inputs is 1: every row reads its own channel
 */
export function packDepthwise({ rows, area, weights, scales, bias }: ByteMatrix): Extract<Constant, { form: 'i32' }> {
  const words = 8 + area;
  const data = new Int32Array(quadsOf(rows) * words);
  const floats = new Float32Array(data.buffer);
  const bytes = new Int8Array(data.buffer);
  for (let row = 0; row < rows; row++) {
    const at = (row >> 2) * words;
    const channel = row & 3;
    data[at + channel] = bias[row];
    floats[at + 4 + channel] = scales[row];
    for (let tap = 0; tap < area; tap++) bytes[4 * (at + 8 + tap) + channel] = weights[row * area + tap];
  }
  return { form: 'i32', data };
}
