// Axis permutations: axis i of the result is axis permutation[i] of the source.
import { elementCount } from '../tensor.ts';
import { rowMajorStrides } from '../program/layout.ts';
import type { Shape } from './graph.ts';

/** Whether `permutation` holds 0 … rank − 1, each once. */
export function isPermutation(permutation: readonly number[], rank: number): boolean {
  if (permutation.length !== rank) return false;
  const seen = new Set(permutation);
  return seen.size === rank && permutation.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);
}

export function isIdentity(permutation: readonly number[]): boolean {
  return permutation.every((axis, i) => axis === i);
}

/** The permutation that undoes this one. */
export function inversePermutation(permutation: readonly number[]): number[] {
  const inverse: number[] = Array.from({ length: permutation.length });
  for (let i = 0; i < permutation.length; i++) inverse[permutation[i]] = i;
  return inverse;
}

/** The permutation that does `first`, then `second`. */
export function composePermutations(first: readonly number[], second: readonly number[]): number[] {
  return second.map((axis) => first[axis]);
}

export function permuteShape(shape: Shape, permutation: readonly number[]): number[] {
  return permutation.map((axis) => shape[axis]);
}

/** A row-major array with its axes permuted, as a new array. */
export function permuteData(data: Float32Array, shape: Shape, permutation: readonly number[]): Float32Array {
  const result = new Float32Array(elementCount(shape));
  const rank = shape.length;
  const outShape = permuteShape(shape, permutation);
  const strides = permuteShape(rowMajorStrides(shape), permutation);
  const index = shape.map(() => 0);
  let source = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[source];
    for (let axis = rank - 1; axis >= 0; axis--) {
      source += strides[axis];
      if (++index[axis] < outShape[axis]) break;
      source -= strides[axis] * outShape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
