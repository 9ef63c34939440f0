// Shapes that broadcast, and loops over values that lie in memory with different strides.
import { rowMajorStrides } from '../program/layout.ts';
import type { Shape } from '../graph/graph.ts';

/**
 * The shape of a and b broadcast together, as NumPy does.
 * @throws Error when an axis has two lengths and neither is 1.
 */
export function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new Error(`shapes [${a}] and [${b}] do not broadcast: axis ${axis} is ${left} and ${right}`);
    }
    return left === 1 ? right : left;
  });
}

/** Strides of a value (`shape`, `strides`) that is broadcast to `onto`, by the axes of `onto`: 0 where it repeats. */
export function broadcastStrides(shape: Shape, strides: readonly number[], onto: Shape): number[] {
  const missing = onto.length - shape.length;
  return onto.map((length, axis) =>
    axis < missing || (shape[axis - missing] === 1 && length !== 1) ? 0 : strides[axis - missing],
  );
}

/** Nested loops, outermost first, with a stride for each of several operands. */
export interface Loops {
  dims: number[];
  /** strides[operand][loop] */
  strides: number[][];
}

/** Drops axes of length 1 and joins neighbours that every operand can walk as one. Keeps at least `least` loops. */
export function collapse(shape: Shape, strides: readonly (readonly number[])[], least = 1): Loops {
  const dims: number[] = [];
  const kept: number[][] = strides.map(() => []);
  for (const [axis, length] of shape.entries()) {
    if (length === 1) continue;
    const last = dims.length - 1;
    if (last >= 0 && strides.every((s, operand) => kept[operand][last] === s[axis] * length)) {
      dims[last] *= length;
      for (const [operand, s] of strides.entries()) kept[operand][last] = s[axis];
    } else {
      dims.push(length);
      for (const [operand, s] of strides.entries()) kept[operand].push(s[axis]);
    }
  }
  return atLeast({ dims, strides: kept }, least);
}

/** Adds outer loops of length 1 until there are `least`. */
export function atLeast({ dims, strides }: Loops, least: number): Loops {
  const missing = Math.max(0, least - dims.length);
  const pad = (values: readonly number[], value: number) => [
    ...Array.from({ length: missing }, () => value),
    ...values,
  ];
  return { dims: pad(dims, 1), strides: strides.map((s) => pad(s, 0)) };
}

/** Adds an innermost loop of length 1, in which every operand is contiguous. */
export function withUnitInner({ dims, strides }: Loops): Loops {
  return { dims: [...dims, 1], strides: strides.map((s) => [...s, 1]) };
}

/** Maximum kernel calls for one node that has more axes than the kernel. */
export const maxCalls = 4096;

/**
 * Splits loops into the innermost `count`, for one kernel call, and the operands' offsets at each step of the outer loops.
 * Kernels have enough loops for usual networks; this serves the others.
 */
export function innermost(loops: Loops, count: number): { inner: Loops; offsets: number[][] } {
  const { dims, strides } = atLeast(loops, count);
  const outer = dims.length - count;
  const calls = dims.slice(0, outer).reduce((a, b) => a * b, 1);
  if (!(calls <= maxCalls)) throw new Error(`it takes ${calls} kernel calls, more than ${maxCalls}`);
  let offsets: number[][] = [strides.map(() => 0)];
  for (let loop = 0; loop < outer; loop++) {
    offsets = offsets.flatMap((at) =>
      Array.from({ length: dims[loop] }, (_, i) => at.map((offset, operand) => offset + i * strides[operand][loop])),
    );
  }
  return { inner: { dims: dims.slice(outer), strides: strides.map((s) => s.slice(outer)) }, offsets };
}

/** For every element of `onto`, in order: the index of its source in a row-major value of `shape` broadcast to `onto`. */
export function broadcastIndices(shape: Shape, onto: Shape): Int32Array {
  const strides = broadcastStrides(shape, rowMajorStrides(shape), onto);
  let indices = Int32Array.of(0);
  for (const [axis, length] of onto.entries()) {
    const next = new Int32Array(indices.length * length);
    for (let i = 0; i < next.length; i++) next[i] = indices[Math.floor(i / length)] + (i % length) * strides[axis];
    indices = next;
  }
  return indices;
}
