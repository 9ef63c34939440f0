// Scores → masks, and masks on weights.
import type { Blocks, Mask } from './pattern.ts';

/**
 * The number of a layer's blocks that remain when a share of them, 0 … 1, is removed. If a pattern's blocks differ in size
 * (rows beyond a multiple of a group), the share of weights may differ a little.
 */
export function blocksToKeep({ count, sets }: Blocks, sparsity: number): number {
  if (!sets) return Math.round((1 - sparsity) * count);
  const sizes = setSizes(sets, count);
  return sizes.reduce((sum, size) => sum + Math.min(size, sets.kept), 0);
}

/**
 * Keeps the `keep` blocks with the highest scores, the first of equal scores. If blocks form sets, the sets determine the
 * number of kept blocks, and `keep` is ignored.
 * @param scores one for each block, 0 or more
 */
export function select(scores: Float32Array, blocks: Blocks, keep: number): Mask {
  const { blockOf, sets, count } = blocks;
  const kept = sets ? largestOfSets(scores, sets, count) : largest(scores, keep);
  const mask = new Uint8Array(blockOf.length);
  for (let i = 0; i < mask.length; i++) mask[i] = kept[blockOf[i]];
  return mask;
}

/** 1 for the `keep` largest numbers (the first of equal ones), 0 for the others. */
function largest(scores: Float32Array, keep: number): Uint8Array {
  const { length } = scores;
  const removed = length - Math.max(0, Math.min(length, keep));
  const kept = new Uint8Array(length).fill(1);
  if (removed === 0) return kept;
  const { limit, below } = smallest(scores, removed);
  let ties = removed - below;
  for (let i = length - 1; i >= 0; i--) {
    if (scores[i] < limit || (scores[i] === limit && ties-- > 0)) kept[i] = 0;
  }
  return kept;
}

/**
 * The `rank`-th smallest of non-negative numbers, and how many are below it. Their bits have the same order as the numbers.
 * So it finds the upper half of the bits first, then the lower half among numbers that share the upper one.
 */
function smallest(numbers: Float32Array, rank: number): { limit: number; below: number } {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const find = (places: Uint32Array, before: number): { place: number; before: number } => {
    for (let place = 0; ; place++) {
      if (before + places[place] >= rank) return { place, before };
      before += places[place];
    }
  };
  const upper = new Uint32Array(1 << 16);
  for (const b of bits) upper[b >>> 16]++;
  const { place: high, before } = find(upper, 0);
  const lower = new Uint32Array(1 << 16);
  for (const b of bits) if (b >>> 16 === high) lower[b & 0xffff]++;
  const { place: low, before: below } = find(lower, before);
  return { limit: new Float32Array(Uint32Array.of((high << 16) | low).buffer)[0], below };
}

function largestOfSets(scores: Float32Array, sets: NonNullable<Blocks['sets']>, count: number): Uint8Array {
  const { setOf, kept: most } = sets;
  const best = new Int32Array(sets.count * most).fill(-1); // the best of each set, best first
  for (let block = 0; block < count; block++) {
    const first = setOf[block] * most;
    let at = most;
    while (at > 0 && (best[first + at - 1] < 0 || scores[best[first + at - 1]] < scores[block])) at--;
    for (let i = most - 1; i > at; i--) best[first + i] = best[first + i - 1];
    if (at < most) best[first + at] = block;
  }
  const kept = new Uint8Array(count);
  for (const block of best) if (block >= 0) kept[block] = 1;
  return kept;
}

function setSizes({ setOf, count }: NonNullable<Blocks['sets']>, blocks: number): Int32Array {
  const sizes = new Int32Array(count);
  for (let block = 0; block < blocks; block++) sizes[setOf[block]]++;
  return sizes;
}

/** A copy of the weights in which removed ones are 0. */
export function masked(weights: Float32Array, mask: Mask): Float32Array {
  return weights.map((w, i) => (mask[i] ? w : 0));
}

/** The mask of weights that are sparse already: zeros are removed. */
export function maskOf(weights: Float32Array): Mask {
  return Uint8Array.from(weights, (w) => Number(w !== 0));
}

/** The share of zeros, 0 … 1, of weights or of a mask. */
export function sparsityOf(weights: Float32Array | Mask): number {
  let zeros = 0;
  for (const w of weights) if (w === 0) zeros++;
  return weights.length > 0 ? zeros / weights.length : 0;
}

/** Whether a mask keeps or removes only whole blocks, and keeps no more blocks of a set than allowed. */
export function hasPattern(mask: Mask, { blockOf, count, sets }: Blocks): boolean {
  const state = new Int8Array(count).fill(-1);
  for (let i = 0; i < mask.length; i++) {
    const block = blockOf[i];
    if (state[block] >= 0 && state[block] !== mask[i]) return false;
    state[block] = mask[i];
  }
  if (!sets) return true;
  const kept = new Int32Array(sets.count);
  for (let block = 0; block < count; block++) kept[sets.setOf[block]] += state[block];
  return kept.every((n) => n <= sets.kept);
}
