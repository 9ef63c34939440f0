// Packs weights as integers of 8 or 4 bits, the form that artifacts hold and loaders expand (assembly/expand).
//
// Columns form groups of 16, the last one filled with zeros. Groups of zeros are not kept:
//
//   counts   n n n …           u32, kept groups of each row          none when every group is kept
//   gaps     b b b …           u8, per kept group the pruned ones since the last of its row; 255 adds 255, then continues
//   values   q…q q…q …         8 bits: 16 bytes per kept group; 4 bits: 8 bytes, weight i low and weight i + 8 high in byte i
//   scales   s s s …           8 bits: one per row; 4 bits: one per kept group
//
// A weight is q · s, with q in −127…127 or −7…7. It is rounded to nearest, so its error is at most half a scale.
import type { Constant, Unread } from '../program/program.ts';
import { widen } from './pack.ts';
import { narrow } from '../formats/half.ts';

/** Columns that share a position and, in 4 bits, a scale. */
export const groupColumns = 16;

export type WeightBits = 4 | 8;

type Quantised = Extract<Constant, { form: 'quantised' }>;

/** Weights packed by this file. */
type Packed = Quantised & { values: Uint8Array; gaps: Uint8Array | null };

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);

/** The smallest number ≥ v with 11 significant bits, for v ≥ 0: a half if the exponent allows it. */
function roundUpToHalf(v: number): number {
  word[0] = v;
  if (word[0] < v) wordBits[0]++;
  wordBits[0] = (wordBits[0] + 0x1fff) & ~0x1fff;
  return word[0];
}

function largest(values: Float32Array): number {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

/** True when all weights are finite; others cannot be rounded to integers. */
export function isQuantisable(weights: Float32Array): boolean {
  return weights.every(Number.isFinite);
}

/** Number of groups of 16 columns that hold a weight other than 0. */
export function keptGroups(rows: number, columns: number, weights: Float32Array): number {
  let kept = 0;
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c += groupColumns) if (largest(groupOf(weights, columns, row, c)) > 0) kept++;
  }
  return kept;
}

function groupOf(weights: Float32Array, columns: number, row: number, column: number): Float32Array {
  return weights.subarray(row * columns + column, row * columns + Math.min(column + groupColumns, columns));
}

/** Rounds finite (rows, columns) weights. */
export function packQuantised(
  rows: number,
  columns: number,
  bits: WeightBits,
  weights: Float32Array,
  bias?: Float32Array,
): Packed {
  const counts = new Uint32Array(rows);
  const gaps: number[] = [];
  const scales: number[] = [];
  const bytes: number[] = [];
  for (let row = 0; row < rows; row++) {
    let scale = Math.fround(largest(weights.subarray(row * columns, (row + 1) * columns)) / 127);
    if (bits === 8) scales.push(scale);
    let gap = 0;
    for (let column = 0; column < columns; column += groupColumns) {
      const group = groupOf(weights, columns, row, column);
      const most = largest(group);
      if (most === 0) {
        gap++;
        continue;
      }
      for (; gap >= 255; gap -= 255) gaps.push(255);
      gaps.push(gap);
      gap = 0;
      counts[row]++;
      if (bits === 4) scales.push((scale = roundUpToHalf(most / 7)));
      // a scale that underflows leaves zeros
      const q = Array.from({ length: groupColumns }, (_, i) => (scale > 0 ? Math.round((group[i] ?? 0) / scale) : 0));
      if (bits === 8) bytes.push(...q);
      else for (let i = 0; i < 8; i++) bytes.push((q[i] & 15) | (q[i + 8] << 4));
    }
  }
  const isDense = counts.every((n) => n === Math.ceil(columns / groupColumns));
  return {
    form: 'quantised',
    rows,
    columns,
    bits,
    counts: isDense ? null : counts,
    gaps: isDense ? null : Uint8Array.from(gaps),
    values: Uint8Array.from(bytes),
    scales: narrow(Float32Array.from(scales)),
    bias: bias ? narrow(bias) : null,
  };
}

function inMemory(data: Uint8Array | Unread): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new Error('weights are still in their file');
}

/** The (rows, columns) weights that integers stand for. */
export function dequantised(constant: Quantised): Float32Array {
  const { rows, columns, bits, counts } = constant;
  const [gaps, values] = [constant.gaps && inMemory(constant.gaps), inMemory(constant.values)];
  const scales = widen(constant.scales);
  const weights = new Float32Array(rows * columns);
  const groups = Math.ceil(columns / groupColumns);
  let gap = 0;
  let kept = 0;
  for (let row = 0; row < rows; row++) {
    let group = 0;
    for (let k = counts ? counts[row] : groups; k > 0; k--, group++, kept++) {
      if (gaps) {
        for (; gaps[gap] === 255; gap++) group += 255;
        group += gaps[gap++];
      }
      const scale = scales[bits === 8 ? row : kept];
      for (let i = 0; i < groupColumns; i++) {
        const column = group * groupColumns + i;
        if (column >= columns) break;
        const byte = bits === 8 ? values[16 * kept + i] : values[8 * kept + (i & 7)] >> (i & 8 ? 4 : 0);
        weights[row * columns + column] = ((byte << (32 - bits)) >> (32 - bits)) * scale;
      }
    }
  }
  return weights;
}

/** ‖rounded − weights‖ / ‖weights‖; 0 when all weights are 0. */
export function relativeWeightError(weights: Float32Array, rounded: Float32Array): number {
  let error = 0;
  let all = 0;
  weights.forEach((w, i) => {
    error += (rounded[i] - w) ** 2;
    all += w ** 2;
  });
  return all === 0 ? 0 : Math.sqrt(error / all);
}
