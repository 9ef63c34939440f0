// Seeded weights like those of a trained network with folded batch norms.
import { normals } from './random.ts';
import type { SparsityTarget } from './sparsify.ts';
import { sparsify } from './sparsify.ts';

/**
 * The part of its mean that is subtracted from each row (depthwise rows keep theirs). With 0, the pixels of deep layers become
 * similar, so that no test would notice if they were swapped. With 1, the effect of batch normalisation on a fresh network,
 * rounding errors grow by up to a fifth at every layer.
 */
const centring = 0.6;

export interface WeightShape {
  rows: number;
  columns: number;
  isDepthwise: boolean;
}

/** (rows, columns) normally distributed weights, pruned if a target is given. The caller scales them. */
export function drawWeights(
  seed: number,
  name: string,
  { rows, columns, isDepthwise }: WeightShape,
  target?: SparsityTarget,
): Float32Array {
  const drawn = normals(seed, name, rows * columns);
  const weights = target ? sparsify(drawn, rows, target) : drawn;
  if (!isDepthwise) for (let row = 0; row < rows; row++) centre(weights.subarray(row * columns, (row + 1) * columns));
  return weights;
}

/** Subtracts a part of the mean of the nonzeros from each of them. */
function centre(row: Float32Array): void {
  let count = 0;
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    if (row[i] !== 0) count++;
    sum += row[i];
  }
  const shift = count && (centring * sum) / count;
  for (let i = 0; i < row.length; i++) if (row[i] !== 0) row[i] -= shift;
}

/**
 * Scales weights in place so that their outputs, given without bias, have a mean square of 1
 * (Mishkin and Matas, https://arxiv.org/abs/1511.06422, without its orthogonal start); adds the bias to the outputs.
 */
export function normalise(weights: Float32Array, bias: Float32Array, outputs: Float32Array): void {
  let sum = 0;
  for (const y of outputs) sum += y * y;
  const scale = sum > 0 ? Math.sqrt(outputs.length / sum) : 1;
  for (let i = 0; i < weights.length; i++) weights[i] *= scale;
  const pixels = outputs.length / bias.length;
  for (let i = 0; i < outputs.length; i++) outputs[i] = scale * outputs[i] + bias[Math.floor(i / pixels)];
}
