// The criterion to be better than: any block may go.
import type { Blocks } from '../patterns/pattern.ts';
import { RandomNumbers } from '../random-numbers.ts';

/** A score in [0, 1) for each block. */
export function randomScores({ count }: Blocks, seed: number): Float32Array {
  const random = new RandomNumbers(seed);
  return Float32Array.from({ length: count }, () => random.uniform());
}
