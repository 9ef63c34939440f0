// Rounds weights to make files smaller. They are rounded when a model is compiled, and become floats again when it is
// loaded (assembly/expand), so that kernels do not change, and results change only by the rounding.
//
//   f16    every value a half                                                            2 bytes a weight
//   int8   values q −127…127                         scales one a row                    1 byte
//   int4   values q −8…7, two to a byte              blocks one for 16 values, scales    9/16 byte
//
// Kept values have the order of floats (pack.ts). Four bits: 16 values, of any rows, share a block: 8 bytes with value i
// low and value i + 8 high in byte i; the last block is filled with zeros. A weight is q · block · scale of its row: rows
// may differ in size by any factor, blocks within a row by 255.
import { narrow, nearestHalf } from '../formats/half.ts';
import { matrixValues } from '../program/constants.ts';
import type { Constant, WeightData } from '../program/program.ts';
import { widen } from '../lower/pack.ts';

/** How weights are saved. */
export type WeightType = 'f32' | 'f16' | 'int8' | 'int4';

export const weightTypes: readonly WeightType[] = ['f32', 'f16', 'int8', 'int4'];

type Matrix = Extract<Constant, { form: 'gemm' | 'spmm' }>;

/** Values that share a block. */
const blockValues = 16;

/** Matrices that keep fewer weights use eight bits in place of four: they are small, and often the first layer. */
const fewestInFourBits = 4096;

/** Sums of squares: of the changes by rounding, and of the weights. */
export interface RoundingError {
  error: number;
  all: number;
}

/** Floats → halves; the floats themselves if one of them has no half. */
export function toHalves(values: Float32Array): Float32Array | Uint16Array {
  const rounded = values.map(nearestHalf);
  return rounded.every(Number.isFinite) ? narrow(rounded) : values;
}

/** Rounds the weights of one layer, and measures the error. */
export class WeightRounding {
  readonly type: WeightType;
  readonly #sum: RoundingError = { error: 0, all: 0 };

  constructor(type: WeightType) {
    this.type = type;
  }

  /** Weights in the form that is saved. */
  round(given: Constant): Constant {
    if (this.type === 'f32') return given;
    const { constant, error, all } = roundedWeights(given, this.type);
    this.#sum.error += error;
    this.#sum.all += all;
    return constant;
  }

  /** The relative (L2) error of all weights so far, in percent. */
  get error(): number {
    const { error, all } = this.#sum;
    return error > 0 ? 100 * Math.sqrt(error / all) : 0;
  }
}

/** Weights rounded to that type; constants that have no such form stay unchanged. */
function roundedWeights(constant: Constant, type: WeightType): { constant: Constant } & RoundingError {
  if (constant.form === 'gemm' || constant.form === 'spmm') return roundMatrix(constant, type);
  if (constant.form !== 'f32') return { constant, error: 0, all: 0 };
  const { data, ...error } = roundFloats(widen(constant.data), type);
  return { constant: { form: 'f32', data }, ...error };
}

/** The row of each value of a matrix; −1 for biases. */
function rowsOfValues(c: Matrix): Int32Array {
  const rows = new Int32Array(matrixValues(c));
  if (c.form === 'gemm') {
    const { panel, columns } = c;
    for (let i = 0; i < rows.length; i++) {
      const line = Math.floor(i / panel);
      const row = panel * Math.floor(line / (columns + 1)) + (i % panel);
      rows[i] = line % (columns + 1) === 0 ? -1 : Math.min(row, c.rows - 1); // a panel is filled with zeros
    }
    return rows;
  }
  const full = Math.floor(c.rows / c.group);
  let at = 0;
  c.counts.forEach((count, i) => {
    const [first, group] = i < full ? [i * c.group, c.group] : [full * c.group + i - full, 1];
    for (let k = 0; k < count * group; k++) rows[at++] = first + (k % group);
  });
  return rows;
}

/**
 * Rounds a matrix's weights, and its biases to halves.
 * @returns the matrix unchanged when one of its weights is not finite
 */
export function roundMatrix(c: Matrix, type: WeightType): { constant: Matrix } & RoundingError {
  const values = widen(c.values as WeightData);
  if (type === 'f32' || !values.every(Number.isFinite)) return { constant: c, error: 0, all: 1 };
  const given = c.bias ? widen(c.bias) : undefined;
  const rows = rowsOfValues(c);
  if (type === 'f16') {
    const halves = toHalves(values);
    const bias = given && { bias: toHalves(given) };
    return { constant: { ...c, values: halves, ...bias }, ...errorOf(values, widen(halves), rows) };
  }
  const bias = c.form === 'gemm' ? biasOfPanels(c, values, rows) : given;
  const weights = values.map((v, i) => (rows[i] < 0 ? 0 : v));
  const bits = type === 'int8' || values.length < fewestInFourBits ? 8 : 4;
  const whole = bits === 8 ? inEightBits(weights, rows, c.rows) : inFourBits(weights, rows, c.rows);
  const constant = { ...c, ...whole, bias: bias ? toHalves(bias) : c.form === 'gemm' ? undefined : null } as Matrix;
  return { constant, ...errorOf(weights, matrixWeights(constant), rows) };
}

/** Rounds the weights of depthwise convolutions. */
export function roundFloats(values: Float32Array, type: WeightType): { data: WeightData } & RoundingError {
  if (type === 'f32') return { data: narrow(values), error: 0, all: 1 };
  const data = toHalves(values);
  return { data, ...errorOf(values, widen(data)) };
}

function biasOfPanels(c: Matrix, values: Float32Array, rows: Int32Array): Float32Array | undefined {
  const bias = values.filter((_, i) => rows[i] < 0).subarray(0, c.rows);
  return bias.some((b) => b !== 0) ? bias : undefined;
}

function largestOfRows(weights: Float32Array, rows: Int32Array, count: number): Float32Array {
  const largest = new Float32Array(count);
  weights.forEach((w, i) => {
    if (rows[i] >= 0) largest[rows[i]] = Math.max(largest[rows[i]], Math.abs(w));
  });
  return largest;
}

const reciprocal = (scale: number) => (scale > 0 && Number.isFinite(1 / scale) ? 1 / scale : 0);

function inEightBits(weights: Float32Array, rows: Int32Array, count: number) {
  const scales = largestOfRows(weights, rows, count).map((most) => most / 127);
  const steps = Float64Array.from(scales, reciprocal);
  return {
    values: Int8Array.from(weights, (w, i) => (rows[i] < 0 ? 0 : clamp(Math.round(w * steps[rows[i]]), 127))),
    scales,
  };
}

const clamp = (q: number, most: number) => Math.min(most, Math.max(-most, q));

/** The largest weight that a block can hold, in units of its row's scale. */
const rowSteps = 7 * 255;

/** Scales in proportion to the average weight of rows, so that rows that share a block are equally coarse. */
function evenScales(weights: Float32Array, rows: Int32Array, count: number): Float32Array {
  const squares = new Float64Array(count);
  const counts = new Float64Array(count);
  weights.forEach((w, i) => {
    if (rows[i] < 0 || w === 0) return;
    squares[rows[i]] += w * w;
    counts[rows[i]]++;
  });
  const means = squares.map((sum, row) => (sum > 0 ? Math.sqrt(sum / counts[row]) : 0));
  const largest = largestOfRows(weights, rows, count);
  let most = 0;
  for (let row = 0; row < count; row++) if (means[row] > 0) most = Math.max(most, largest[row] / means[row]);
  return Float32Array.from(means, (mean) => (mean * most) / rowSteps);
}

function inFourBits(weights: Float32Array, rows: Int32Array, count: number) {
  const scales = evenScales(weights, rows, count);
  const steps = Float64Array.from(scales, reciprocal);
  const all = Math.ceil(weights.length / blockValues);
  const values = new Uint8Array(8 * all);
  const blocks = new Uint8Array(all);
  const unit = new Float64Array(blockValues);
  const gain = new Float64Array(blockValues);
  for (let block = 0; block < all; block++) {
    unit.fill(0);
    for (let k = 0, i = block * blockValues; k < blockValues && i < weights.length; k++, i++) {
      if (rows[i] < 0) continue;
      unit[k] = weights[i] * steps[rows[i]];
      gain[k] = scales[rows[i]];
    }
    const scale = bestScale(unit, gain);
    blocks[block] = scale;
    for (let k = 0; k < 8; k++) {
      values[8 * block + k] = (nibble(unit[k] / scale) & 15) | (nibble(unit[k + 8] / scale) << 4);
    }
  }
  return { values, scales, blocks };
}

const nibble = (q: number) => Math.max(-8, Math.min(7, Math.round(q)));

/** Factors tried on each block's full scale. Factors below 1 clamp the largest value and are finer for the rest. */
const tried = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7];

/** The scale, 1 … 255, that changes a block's weights least. `gain` weights the error of each. */
function bestScale(unit: Float64Array, gain: Float64Array): number {
  let largest = 0;
  for (const u of unit) largest = Math.max(largest, Math.abs(u));
  let best = 1;
  let least = Infinity;
  for (const factor of tried) {
    const scale = Math.max(1, Math.min(255, Math.round((factor * largest) / 7)));
    let error = 0;
    for (let k = 0; k < blockValues; k++) error += (gain[k] * (nibble(unit[k] / scale) * scale - unit[k])) ** 2;
    if (error >= least) continue;
    least = error;
    best = scale;
  }
  return best;
}

/** A matrix's values as floats, in the order in which they are saved; for integers, without biases. */
export function matrixWeights(c: Matrix): Float32Array {
  const { scales: saved, blocks, values } = c;
  if (!saved) return widen(values as WeightData);
  const scales = widen(saved);
  const rows = rowsOfValues(c);
  const whole = wholeNumbers(c, values as Int8Array | Uint8Array, blocks as Uint8Array | undefined);
  return whole.map((q, i) => (rows[i] < 0 ? 0 : q * scales[rows[i]]));
}

function wholeNumbers(c: Matrix, values: Int8Array | Uint8Array, blocks?: Uint8Array): Float32Array {
  if (!blocks) return Float32Array.from(values);
  return Float32Array.from({ length: matrixValues(c) }, (_, i) => {
    const block = Math.floor(i / blockValues);
    const byte = values[8 * block + (i & 7)] >> (i & 8 ? 4 : 0);
    return ((byte << 28) >> 28) * blocks[block];
  });
}

function errorOf(values: Float32Array, rounded: Float32Array, rows?: Int32Array): RoundingError {
  let [error, all] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (rows && rows[i] < 0) continue;
    error += (rounded[i] - values[i]) ** 2;
    all += values[i] ** 2;
  }
  return { error, all };
}
