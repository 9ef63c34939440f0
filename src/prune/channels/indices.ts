import type { Value } from '../../graph/graph.ts';

/** A constant's integers as positions of an axis of `size` elements: negative ones count from its end. */
export function positionsIn({ data }: Value, size: number): number[] {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  return numbers.map((n) => (n < 0 ? n + size : n));
}
