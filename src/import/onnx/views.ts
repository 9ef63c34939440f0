// Rearranges constants: every element of the result is an element of the source.
import type { Shape } from '../../graph/graph.ts';
import { rowMajorStrides } from '../../program/layout.ts';
import { broadcastStrides } from '../../ops/broadcast.ts';
import { elementCount } from '../../tensor.ts';
import type { OnnxConstant, Numbers } from './constant.ts';

/** An array of `count` zeros of the same type. */
export function like(data: Numbers, count: number): Numbers {
  return new (data.constructor as new (length: number) => Numbers)(count);
}

/** Calls back with the source position of every element of `shape`, in order. */
export function walk(shape: Shape, strides: readonly number[], offset: number, take: (from: number) => void): void {
  const count = elementCount(shape);
  const index = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    take(from);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/** The elements that the strides visit, as a constant of `shape`. */
export function strided(
  { type, data }: OnnxConstant,
  shape: Shape,
  strides: readonly number[],
  offset = 0,
): OnnxConstant {
  const result = like(data, elementCount(shape));
  let to = 0;
  walk(shape, strides, offset, (from) => {
    result[to++] = data[from];
  });
  return { type, shape, data: result };
}

export function permuted(constant: OnnxConstant, permutation: readonly number[]): OnnxConstant {
  const strides = rowMajorStrides(constant.shape);
  return strided(
    constant,
    permutation.map((axis) => constant.shape[axis]),
    permutation.map((axis) => strides[axis]),
  );
}

export function broadcasted(constant: OnnxConstant, shape: Shape): OnnxConstant {
  return strided(constant, shape, broadcastStrides(constant.shape, rowMajorStrides(constant.shape), shape));
}

/** Entries of one axis by index. */
export function gathered(
  { type, shape, data }: OnnxConstant,
  axis: number,
  indices: readonly number[],
  indexShape: Shape,
) {
  const outer = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1));
  const result = like(data, outer * indices.length * inner);
  let to = 0;
  for (let i = 0; i < outer; i++) {
    for (const index of indices) {
      const from = (i * shape[axis] + index) * inner;
      for (let j = 0; j < inner; j++) result[to++] = data[from + j];
    }
  }
  return { type, shape: [...shape.slice(0, axis), ...indexShape, ...shape.slice(axis + 1)], data: result };
}

/** Constants of one rank joined along an axis. */
export function joined(parts: readonly OnnxConstant[], axis: number): OnnxConstant {
  const [{ type, shape: first }] = parts;
  const shape = [...first];
  shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const result = like(parts[0].data, elementCount(shape));
  const outer = elementCount(shape.slice(0, axis));
  let to = 0;
  for (let i = 0; i < outer; i++) {
    for (const { shape: own, data } of parts) {
      const run = elementCount(own.slice(axis));
      for (let j = 0; j < run; j++) result[to++] = data[i * run + j];
    }
  }
  return { type, shape, data: result };
}
