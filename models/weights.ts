// Weights as a trained and folded network has them, from a seed.
import type { Moments } from './moments.ts';
import { energy } from './moments.ts';
import { normals } from './random.ts';
import type { SparsityTarget } from './sparsify.ts';
import { sparsify } from './sparsify.ts';

/** Rows with fewer weights keep their sums: taking the mean from one weight would leave none. */
const leastCentred = 4;

export interface WeightShape {
  rows: number;
  columns: number;
  /**
   * Whether each row sums to 0, so that the input's mean has no part in the output. As batch normalisation does it keeps
   * the pixels of deep layers apart. Depthwise rows have the mean to work with.
   */
  centred: boolean;
}

/**
 * (rows, columns) normally distributed weights, pruned if a target is given and then scaled, so that x of those moments
 * gives outputs of variance 1.
 */
export function drawWeights(
  seed: number,
  name: string,
  { rows, columns, centred }: WeightShape,
  input: Moments,
  target?: SparsityTarget,
): Float32Array {
  const drawn = normals(seed, name, rows * columns);
  const weights = target ? sparsify(drawn, rows, target) : drawn;
  if (centred) for (let row = 0; row < rows; row++) centre(weights.subarray(row * columns, (row + 1) * columns));
  let sum = 0;
  for (const weight of weights) sum += weight * weight;
  if (sum === 0) return weights;
  const scale = Math.sqrt(rows / (centred ? input.variance : energy(input)) / sum);
  for (let i = 0; i < weights.length; i++) weights[i] *= scale;
  return weights;
}

/** Takes the mean of the nonzeros from each of them. */
function centre(row: Float32Array): void {
  let count = 0;
  let sum = 0;
  for (const weight of row) {
    if (weight === 0) continue;
    count++;
    sum += weight;
  }
  if (count < leastCentred) return;
  for (let i = 0; i < row.length; i++) if (row[i] !== 0) row[i] -= sum / count;
}
