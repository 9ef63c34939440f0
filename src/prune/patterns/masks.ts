// Scores → masks, and masks on weights.
import type { Blocks, Mask } from './pattern.ts';

/**
 * How many of a layer's blocks are left when this share of them, 0 … 1, is removed. Where a pattern's blocks are of unlike
 * sizes (the rows beyond a multiple of a group), the share of weights may be a little another.
 */
export function blocksToKeep({ count, sets }: Blocks, sparsity: number): number {
  if (!sets) return Math.round((1 - sparsity) * count);
  const sizes = setSizes(sets, count);
  return sizes.reduce((sum, size) => sum + Math.min(size, sets.kept), 0);
}

/**
 * Keeps the `keep` blocks with the highest scores; of equal scores the first. Blocks in sets are kept as the sets say,
 * whatever `keep` is.
 * @param scores one for each block, 0 or more
 */
export function select(scores: Float32Array, blocks: Blocks, keep: number): Mask {
  const { blockOf, sets, count } = blocks;
  const kept = sets ? largestOfSets(scores, sets, count) : largest(scores, keep);
  const mask = new Uint8Array(blockOf.length);
  for (let i = 0; i < mask.length; i++) mask[i] = kept[blockOf[i]];
  return mask;
}

/** 1 for the `keep` largest numbers, of equal ones the first; 0 for the others. */
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
 * The `rank`-th smallest of non-negative numbers, and how many are below it. Their bits order as they do: the upper half
 * of the bits is looked for first, then the lower half among those that share the upper one.
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
  const best = new Int32Array(sets.count * most).fill(-1); // of each set, the best ones first
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

/** A copy of weights in which those that a mask removes are 0. */
export function masked(weights: Float32Array, mask: Mask): Float32Array {
  return weights.map((w, i) => (mask[i] ? w : 0));
}

/** The mask of weights that are sparse already: what is 0 is removed. */
export function maskOf(weights: Float32Array): Mask {
  return Uint8Array.from(weights, (w) => Number(w !== 0));
}

/** Zeros over all, 0 … 1; of weights or of a mask. */
export function sparsityOf(weights: Float32Array | Mask): number {
  let zeros = 0;
  for (const w of weights) if (w === 0) zeros++;
  return weights.length > 0 ? zeros / weights.length : 0;
}

/** Whether a mask keeps or removes whole blocks only, and of no set more blocks than it may. */
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
