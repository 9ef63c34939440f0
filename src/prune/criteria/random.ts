// The baseline for other criteria: removes random blocks.
import type { Blocks } from '../patterns/pattern.ts';
import { RandomNumbers, seedOf } from '../random-numbers.ts';
import type { Criterion } from './criterion.ts';

export const random = {
  name: 'random',
  needsSamples: false,
  score: ({ layer, blocks, seed }) => randomScores(blocks, seedOf(seed, layer.name)),
  rank: (_, spaces, { seed }) =>
    spaces.map((space) => {
      const order = Array.from({ length: space.size }, (_, i) => i);
      new RandomNumbers(seedOf(seed, space.name)).shuffle(order);
      return { space, order, losses: Array.from({ length: space.size + 1 }, (_, i) => i / space.size) };
    }),
} as const satisfies Criterion;

/** A score in [0, 1) for each block. */
export function randomScores({ count }: Blocks, seed: number): Float32Array {
  const numbers = new RandomNumbers(seed);
  return Float32Array.from({ length: count }, () => numbers.uniform());
}
