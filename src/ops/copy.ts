// Lowers views to the copy kernels.
import type { Lowering } from '../lower/lowering.ts';
import type { Pointer } from '../program/program.ts';
import { maxCalls } from './broadcast.ts';
import { resized, type View } from './view.ts';

/** An axis that the copy kernel walks. Strides are in floats; that of y is positive. */
interface CopyAxis {
  size: number;
  x: number;
  y: number;
}

/** Axes the kernel takes. */
const kernelAxes = 6;

/** The pointer moved on by `floats` floats. */
export function advance(pointer: Pointer, floats: number): Pointer {
  return { buffer: pointer.buffer, offset: pointer.offset + 4 * floats };
}

/** The address of element 0 of a view of `value`. */
function first(lowering: Lowering, value: string, view: View): Pointer {
  return advance(lowering.at(value), view.floats);
}

/**
 * The fewest axes for the copy, outermost in y first. The axis along which y is contiguous comes last. When x is contiguous
 * along another axis, that axis comes second to last, so that the innermost two are a transposition.
 */
function walk(shape: readonly number[], x: readonly number[], y: readonly number[]): CopyAxis[] {
  const sorted = shape.map((size, axis) => ({ size, x: x[axis], y: y[axis] })).filter(({ size }) => size > 1);
  sorted.sort((a, b) => b.y - a.y);
  const axes: CopyAxis[] = [];
  for (const axis of sorted) {
    const outer = axes.at(-1);
    if (outer && outer.x === axis.size * axis.x && outer.y === axis.size * axis.y) {
      axes[axes.length - 1] = { ...axis, size: outer.size * axis.size };
    } else axes.push(axis);
  }
  const inner = axes.at(-1);
  const column = axes.findIndex((axis) => axis.x === 1);
  if (inner?.y === 1 && column >= 0 && column < axes.length - 1) {
    axes.splice(-1, 0, ...axes.splice(column, 1));
  }
  return axes;
}

function emit(lowering: Lowering, axes: CopyAxis[], x: Pointer, y: Pointer): void {
  if (axes.length > kernelAxes) {
    const calls = axes.slice(0, -kernelAxes).reduce((count, axis) => count * axis.size, 1);
    if (!(calls <= maxCalls)) throw new Error(`it takes ${calls} kernel calls, more than ${maxCalls}`);
    const [{ size, x: xStride, y: yStride }, ...inner] = axes;
    for (let i = 0; i < size; i++) emit(lowering, inner, advance(x, i * xStride), advance(y, i * yStride));
    return;
  }
  let lowest = 0;
  for (const axis of axes) if (axis.x < 0) lowest += (axis.size - 1) * axis.x;
  const padding = Array.from({ length: kernelAxes - axes.length }, () => ({ size: 1, x: 0, y: 0 }));
  const [a, b, c, d, e, f] = [...padding, ...axes];
  lowering.emit('f32_copy', {
    x: advance(x, lowest),
    y,
    d0: a.size,
    d1: b.size,
    d2: c.size,
    d3: d.size,
    d4: e.size,
    d5: f.size,
    x0: 4 * a.x,
    x1: 4 * b.x,
    x2: 4 * c.x,
    x3: 4 * d.x,
    x4: 4 * e.x,
    x5: 4 * f.x,
    y0: 4 * a.y,
    y1: 4 * b.y,
    y2: 4 * c.y,
    y3: 4 * d.y,
    y4: 4 * e.y,
    y5: 4 * f.y,
  });
}

/** Copies `shape` from x to y. Strides are in floats: positive in y, of any sign in x. */
export function emitStridedCopy(
  lowering: Lowering,
  shape: readonly number[],
  x: { at: Pointer; strides: readonly number[] },
  y: { at: Pointer; strides: readonly number[] },
): void {
  const axes = walk(shape, x.strides, y.strides);
  // A copy of one element has no axes; the kernel gets one of length 1 and unit strides.
  emit(lowering, axes.length ? axes : [{ size: 1, x: 1, y: 1 }], x.at, y.at);
}

/**
 * Copies a view of `input` into a view of `output` of the same shape. Copies nothing when the planner has placed one
 * value inside the other.
 */
export function copyView(lowering: Lowering, input: string, from: View, output: string, to: View): void {
  if (isPlacedView(lowering, input, from, output, to)) return;
  const x = { at: first(lowering, input, from), strides: from.strides };
  const y = { at: first(lowering, output, to), strides: to.strides };
  emitStridedCopy(lowering, from.shape, x, y);
}

/** True when the planner has placed the output inside the input, or the input inside the output, so that the views coincide. */
export function isPlacedView(lowering: Lowering, input: string, from: View, output: string, to: View): boolean {
  if (to.floats === 0 && lowering.isPlaced(output, input, from.floats)) return true;
  return from.floats === 0 && lowering.isPlaced(input, output, to.floats);
}

/**
 * y = x with `axis` replaced by the elements at `indices`, which all lie within the axis. `strides` of y has the axes of
 * x; along `axis` it is the stride from one index to the next.
 */
export function emitGather(
  lowering: Lowering,
  axis: number,
  indices: Int32Array,
  x: { at: Pointer; shape: readonly number[]; strides: readonly number[] },
  y: { at: Pointer; strides: readonly number[] },
): void {
  const others = resized(x.shape, axis, 1);
  const axes = walk(others, x.strides, y.strides);
  const last = axes.at(-1);
  const run = last?.x === 1 && last.y === 1 ? axes.pop()!.size : 1;
  const table = lowering.constant({ form: 'i32', data: indices });
  const walkOuter = (outer: CopyAxis[], xAt: Pointer, yAt: Pointer): void => {
    if (outer.length > 2) {
      const [{ size, x: xStride, y: yStride }, ...inner] = outer;
      for (let i = 0; i < size; i++) walkOuter(inner, advance(xAt, i * xStride), advance(yAt, i * yStride));
      return;
    }
    const b = outer.at(-1);
    const a = outer.at(-2);
    lowering.emit('f32_gather', {
      x: xAt,
      indices: table,
      y: yAt,
      d0: a?.size ?? 1,
      d1: b?.size ?? 1,
      n: indices.length,
      run,
      x0: 4 * (a?.x ?? 0),
      x1: 4 * (b?.x ?? 0),
      xIndex: 4 * x.strides[axis],
      y0: 4 * (a?.y ?? 0),
      y1: 4 * (b?.y ?? 0),
      yIndex: 4 * y.strides[axis],
    });
  };
  walkOuter(axes, x.at, y.at);
}

/** A view of a whole value, as it is stored. */
export function storedView(lowering: Lowering, value: string): View {
  return { shape: lowering.shape(value), strides: lowering.strides(value), floats: 0 };
}
