// Packs weights into the form that artifacts hold and loaders expand (assembly/expand).
//
// A dense matrix has the layout that its kernel reads, so that a file is read straight into place; assembly/gemm/index.ts
// and assembly/linear/index.ts draw it.
//
// A sparse (rows, columns) matrix has groups of g rows that share positions; rows beyond a multiple of g are groups of one:
//
//   counts   n n n …                      u32, positions in each group
//   gaps     b b b …                      u8, per position the zeros since the last one in its group; 255 adds 255, then continues
//   values   w…w w…w …                    per position one weight for each row of the group
import { halfToFloat, narrow } from '../formats/half.ts';
import type { Constant, WeightData } from '../program/program.ts';
import { packedTiles } from '../program/tiles.ts';
import type { Group, Panel } from '../program/tiles.ts';
import type { MatrixKernel } from './matrix-kernels.ts';

/** Saved weights as floats. */
export function widen(data: WeightData): Float32Array {
  if (data instanceof Float32Array) return data;
  if (!(data instanceof Uint16Array)) throw new Error('weights are still in their file');
  return Float32Array.from(data, halfToFloat);
}

/** Packs dense weights in panels of rows; the default panel is that of the kernels over planes. */
export function packGemm(
  rows: number,
  columns: number,
  weights: Float32Array,
  bias?: Float32Array,
  panel: Panel = packedTiles.dense.rows,
): Constant {
  const stream = new Float32Array(panel * (columns + 1) * Math.ceil(rows / panel));
  for (let row = 0; row < rows; row++) {
    const lane = row % panel;
    let at = (columns + 1) * (row - lane) + lane;
    stream[at] = bias?.[row] ?? 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) stream[(at += panel)] = weights[i];
  }
  return { form: 'gemm', rows, columns, panel, values: narrow(stream) };
}

/** First row and number of rows of each group. */
function* groupsOf(rows: number, group: Group): Generator<[first: number, size: number]> {
  const full = rows - (rows % group);
  for (let row = 0; row < full; row += group) yield [row, group];
  for (let row = full; row < rows; row++) yield [row, 1];
}

function isKept(weights: Float32Array, columns: number, row: number, size: number, column: number): boolean {
  for (let i = row; i < row + size; i++) if (weights[i * columns + column] !== 0) return true;
  return false;
}

/** Columns left out since the last kept one, as bytes: 255 adds 255, and another follows. */
export function pushGap(gaps: number[], gap: number): void {
  for (; gap >= 255; gap -= 255) gaps.push(255);
  gaps.push(gap);
}

/** Packs positions and weights of a sparse matrix, as drawn above. */
export function packPositions(rows: number, columns: number, group: Group, weights: Float32Array) {
  const counts: number[] = [];
  const gaps: number[] = [];
  const values: number[] = [];
  for (const [row, size] of groupsOf(rows, group)) {
    let count = 0;
    let gap = 0;
    for (let column = 0; column < columns; column++) {
      if (!isKept(weights, columns, row, size, column)) {
        gap++;
        continue;
      }
      pushGap(gaps, gap);
      gap = 0;
      count++;
      for (let i = row; i < row + size; i++) values.push(weights[i * columns + column]);
    }
    counts.push(count);
  }
  return { counts: Uint32Array.from(counts), gaps: Uint8Array.from(gaps), values };
}

/** @param block columns that are summed at a time; 0 for linear kernels */
export function packSpmm(
  rows: number,
  columns: number,
  group: Group,
  weights: Float32Array,
  bias: Float32Array | undefined,
  taps: number,
  block: number,
): Constant {
  const { counts, gaps, values } = packPositions(rows, columns, group, weights);
  return {
    form: 'spmm',
    rows,
    columns,
    group,
    block,
    counts,
    gaps,
    values: narrow(Float32Array.from(values)),
    bias: bias ? narrow(bias) : null,
    taps,
  };
}

/** The kept part of a weight tensor in an encoding. */
export interface Kept {
  /** Groups of rows: those of the encoding's size, and one for each remaining row. */
  groups: number;
  /** Total positions of all groups. */
  positions: number;
  /** Weights that are multiplied, including zeros inside groups. */
  weights: number;
}

/** Counts for dense kernels, which keep all (rows, columns) weights; the last panel is filled with zeros. */
export function countDense(rows: number, columns: number, panel: number): Kept {
  const groups = Math.ceil(rows / panel);
  return { groups, positions: groups * columns, weights: panel * groups * columns };
}

/** Counts what a kernel keeps of (rows, columns) weights. */
export function countKept(
  rows: number,
  columns: number,
  weights: Float32Array,
  { group, tile }: Pick<MatrixKernel, 'group' | 'tile'>,
): Kept {
  if (group === 'dense') return countDense(rows, columns, tile.rows);
  const kept: Kept = { groups: 0, positions: 0, weights: 0 };
  for (const [row, size] of groupsOf(rows, group)) {
    let positions = 0;
    for (let column = 0; column < columns; column++) {
      if (isKept(weights, columns, row, size, column)) positions++;
    }
    kept.groups++;
    kept.positions += positions;
    kept.weights += size * positions;
  }
  return kept;
}
