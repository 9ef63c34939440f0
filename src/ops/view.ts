// Views: the elements of a value seen with other dimensions, by transpose, slice, split and similar operators. One view
// defines what the operator computes (`readView`), whether it needs a copy (`placeView`) and which one (ops/copy.ts).
import type { Placement } from '../lower/placement.ts';
import { rowMajorStrides } from '../program/layout.ts';
import type { Shape } from '../graph/graph.ts';
import { elementCount } from '../tensor.ts';
import type { DenseTensor } from './operator.ts';

/** Element (i0, i1, …) of `shape` lies `floats` + Σ i·stride floats from the start of the value. Strides may be negative. */
export interface View {
  shape: Shape;
  strides: readonly number[];
  floats: number;
}

/** Throws unless `axis` is an axis of `shape`. */
export function checkAxis(axis: number, shape: Shape): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) {
    throw new Error(`axis ${axis} must be 0…${shape.length - 1}, for an input of shape [${shape}]`);
  }
}

/** The view's elements in row-major order, from a value that is stored row-major. */
export function readView(data: Float32Array, view: View, shape: Shape): DenseTensor {
  const y = new Float32Array(elementCount(shape));
  const index = view.shape.map(() => 0);
  for (let i = 0; i < y.length; i++) {
    let at = view.floats;
    for (let axis = 0; axis < index.length; axis++) at += index[axis] * view.strides[axis];
    y[i] = data[at];
    for (let axis = index.length - 1; axis >= 0; axis--) {
      if (++index[axis] < view.shape[axis]) break;
      index[axis] = 0;
    }
  }
  return { shape, data: y };
}

/** The same elements in the same order, with the fewest axes: without those of length 1, and with contiguous ones joined. */
export function collapse({ shape, strides }: Pick<View, 'shape' | 'strides'>): { shape: number[]; strides: number[] } {
  const sizes: number[] = [];
  const steps: number[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && steps[last] === size * strides[axis]) {
      sizes[last] *= size;
      steps[last] = strides[axis];
    } else {
      sizes.push(size);
      steps.push(strides[axis]);
    }
  }
  return { shape: sizes, strides: steps };
}

/** True when both show the same memory in the same order. */
function alike(a: Pick<View, 'shape' | 'strides'>, b: Pick<View, 'shape' | 'strides'>): boolean {
  const [p, q] = [collapse(a), collapse(b)];
  return String(p.shape) === String(q.shape) && String(p.strides) === String(q.strides);
}

/** Floats of a plane with its padding, or 0 when the value has none. */
function paddedPlaneOf(shape: Shape, strides: readonly number[]): number {
  return shape.length === 4 && strides[1] !== shape[2] * shape[3] ? strides[1] : 0;
}

/**
 * Stores `value` inside `host`, in the part that `view` shows, when both have the same layout in memory. Writers of padded
 * planes may overwrite the padding, so such a value needs a host with the same planes.
 */
export function placeView(placement: Placement, value: string, host: string, view: View): boolean {
  if (placement.isConstant(host)) return false;
  const shape = placement.shape(value);
  const strides = placement.strides(value);
  if (!alike({ shape, strides }, view)) return false;
  const plane = paddedPlaneOf(shape, strides);
  if (plane) {
    const hostShape = placement.shape(host);
    const samePixels = hostShape[2] === shape[2] && hostShape[3] === shape[3];
    if (paddedPlaneOf(hostShape, placement.strides(host)) !== plane || !samePixels || view.floats % plane) return false;
  }
  return placement.alias(value, host, view.floats);
}

/** Lets output and input of a node share storage when they hold the same floats in the same order. */
export function placeSame(placement: Placement, output: string, input: string, view: View): boolean {
  if (placeView(placement, output, input, view)) return true;
  const shape = placement.shape(output);
  const strides = placement.strides(output);
  const whole = elementCount(shape) === elementCount(placement.shape(input));
  if (!whole || !alike({ shape, strides }, view)) return false;
  return placeView(placement, input, output, { shape, strides, floats: 0 });
}

/** Floats that a value occupies, padding of planes included. */
export function storedFloats({ shape, strides }: Pick<View, 'shape' | 'strides'>): number {
  return shape.length ? shape[0] * strides[0] : 1;
}

/** The shape with another length along one axis. */
export function resized(shape: Shape, axis: number, size: number): number[] {
  return shape.map((other, i) => (i === axis ? size : other));
}

/** The whole of a value that is stored row-major. */
export function wholeView(shape: Shape): View {
  return { shape, strides: rowMajorStrides(shape), floats: 0 };
}
