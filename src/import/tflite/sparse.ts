// Sparse tensors, as TFLite's schema describes them: dimensions d0…dn−1, then k block dimensions, walked in
// `traversalOrder`; each is stored DENSE (all of it) or SPARSE_CSR.
//
//   shape [4, 4], blocks 2×2: traversal [0, 1, 2, 3], block map [0, 1]; row = d0·2 + d2, column = d1·2 + d3
//   CSR  segments 0 1 3          one more than the positions of the dimension before
//        indices  1 | 0 1        where within this dimension, ascending within a segment
//
// Values follow in the order of the walk.
import type { Sparsity } from './schema.ts';

type Numbers = Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Int16Array | Int32Array;

/**
 * Lays the stored values of a sparse tensor out densely, in the order of its own axes; the rest is 0.
 * @throws Error that says what is wrong in the encoding, before anything large is allocated.
 */
export function densify<T extends Numbers>(shape: readonly number[], sparsity: Sparsity, stored: T): T {
  const { traversalOrder, blockMap, dimensions } = sparsity;
  const rank = shape.length;
  const depth = traversalOrder.length;
  if (depth !== rank + blockMap.length || dimensions.length !== depth) {
    throw new Error(
      `sparse encoding of ${depth} dimensions, ${blockMap.length} of them blocks, ${dimensions.length} described; ` +
        `the shape has ${rank}`,
    );
  }
  if (!distinct(traversalOrder.slice(0, rank), 0, rank) || !distinct(traversalOrder.slice(rank), rank, depth)) {
    throw new Error(`traversal order [${traversalOrder}] is not a permutation of ${rank} dimensions and their blocks`);
  }
  if (!distinct(blockMap, 0, rank))
    throw new Error(`block map [${blockMap}] must name ${blockMap.length} different dimensions`);

  // Sizes: a block dimension's is in its metadata, and divides the dimension it maps to.
  const blocks: number[] = Array.from({ length: rank }, () => 1);
  for (let level = rank; level < depth; level++) {
    const dimension = dimensions[level];
    const mapped = blockMap[traversalOrder[level] - rank];
    if (dimension.format !== 'dense') throw new Error(`block dimension ${level} is stored sparse`);
    if (dimension.size < 1 || shape[mapped] % dimension.size !== 0) {
      throw new Error(`blocks of ${dimension.size} do not divide dimension ${mapped} of shape [${shape}]`);
    }
    blocks[mapped] = dimension.size;
  }
  const strides: number[] = [];
  let elements = 1;
  for (let axis = rank - 1; axis >= 0; axis--) {
    strides[axis] = elements;
    elements *= shape[axis];
  }
  const sizes = traversalOrder.map((d) => (d < rank ? shape[d] / blocks[d] : blocks[blockMap[d - rank]]));
  const steps = traversalOrder.map((d) => (d < rank ? strides[d] * blocks[d] : strides[blockMap[d - rank]]));

  // Every level is checked completely before the walk. `positions` is the number of times that it is entered.
  let positions = 1;
  for (let level = 0; level < depth; level++) {
    positions = checkDimension(sparsity, level, sizes[level], positions);
    if (positions > elements) throw new Error(`dimension ${level} has ${positions} positions in ${elements} elements`);
  }
  if (stored.length !== positions) throw new Error(`${stored.length} values stored, the encoding wants ${positions}`);

  const dense = new (stored.constructor as new (length: number) => T)(elements);
  const walk = (level: number, position: number, offset: number) => {
    if (level === depth) {
      dense[offset] = stored[position];
      return;
    }
    const dimension = dimensions[level];
    const step = steps[level];
    if (dimension.format === 'dense') {
      for (let i = 0; i < dimension.size; i++) walk(level + 1, position * dimension.size + i, offset + i * step);
    } else {
      const end = dimension.segments[position + 1];
      for (let k = dimension.segments[position]; k < end; k++) walk(level + 1, k, offset + dimension.indices[k] * step);
    }
  };
  if (elements > 0) walk(0, 0, 0);
  return dense;
}

/** Checks one level that is entered from `positions` places and holds `size` entries; returns its own positions. */
function checkDimension({ dimensions }: Sparsity, level: number, size: number, positions: number): number {
  const dimension = dimensions[level];
  if (dimension.format === 'dense') {
    if (dimension.size !== size)
      throw new Error(`dense dimension ${level} of ${dimension.size}; the shape wants ${size}`);
    return positions * size;
  }
  const { segments, indices } = dimension;
  if (segments.length !== positions + 1) {
    throw new Error(`dimension ${level} has ${segments.length} segment bounds for ${positions} segments`);
  }
  if (segments[0] !== 0) throw new Error(`dimension ${level}'s segments start at ${segments[0]}, not 0`);
  if (segments[positions] !== indices.length) {
    throw new Error(`dimension ${level}'s segments end at ${segments[positions]} of ${indices.length} indices`);
  }
  for (let s = 0; s < positions; s++) {
    if (segments[s + 1] < segments[s]) {
      throw new Error(`dimension ${level}'s segment bounds fall from ${segments[s]} to ${segments[s + 1]}`);
    }
  }
  for (let s = 0; s < positions; s++) {
    for (let k = segments[s]; k < segments[s + 1]; k++) {
      if (indices[k] < 0 || indices[k] >= size) {
        throw new Error(`dimension ${level} holds index ${indices[k]}, its size is ${size}`);
      }
      if (k > segments[s] && indices[k] <= indices[k - 1]) {
        throw new Error(`dimension ${level}'s indices do not ascend: ${indices[k - 1]}, then ${indices[k]}`);
      }
    }
  }
  return indices.length;
}

/** Whether all are different and in [from, to). */
function distinct(numbers: number[], from: number, to: number): boolean {
  return new Set(numbers).size === numbers.length && numbers.every((n) => n >= from && n < to);
}
