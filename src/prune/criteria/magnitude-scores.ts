// What blocks of weights are worth by their size.
import type { Blocks } from '../patterns/pattern.ts';

/**
 * The root mean square of each block's weights: blocks of unlike sizes compare by what a weight of theirs is worth. Of
 * single weights it is their magnitude.
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
