// Scores blocks of weights by magnitude.
import type { Blocks } from '../patterns/pattern.ts';

/**
 * The root mean square of each block's weights, so that blocks of different sizes compare per weight. For single weights it
 * is their magnitude.
 */
export function magnitudeScores(weights: Float32Array, { blockOf, count }: Blocks): Float32Array {
  if (count === weights.length) {
    const scores = new Float32Array(count);
    for (let i = 0; i < weights.length; i++) scores[blockOf[i]] = Math.abs(weights[i]);
    return scores;
  }
  const squares = new Float64Array(count);
  const sizes = new Int32Array(count);
  for (let i = 0; i < weights.length; i++) {
    squares[blockOf[i]] += weights[i] ** 2;
    sizes[blockOf[i]]++;
  }
  return Float32Array.from(squares, (sum, block) => Math.sqrt(sum / Math.max(1, sizes[block])));
}
