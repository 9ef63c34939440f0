import type { Shape } from '../graph/graph.ts';
import { rowMajorStrides } from '../program/layout.ts';
import { elementCount } from '../tensor.ts';
import { emitStridedCopy, isPlacedView, storedView } from './copy.ts';
import { everyElement, type Operator } from './operator.ts';
import { collapse, placeSame } from './view.ts';

export interface ReshapeAttributes {
  /** Fully known. */
  shape: readonly number[];
}

type Axes = ReturnType<typeof collapse>;

/** Sizes into which the axes of both can be cut, or undefined when a cut of one would split an axis of the other. */
function commonSizes(a: Shape, b: Shape): number[] | undefined {
  const sizes: number[] = [];
  let i = a.length - 1;
  let j = b.length - 1;
  for (let left = a[i], right = b[j]; i >= 0 && j >= 0;) {
    const size = Math.min(left, right);
    if (left % size || right % size) return undefined;
    sizes.unshift(size);
    left = left === size ? a[--i] : left / size;
    right = right === size ? b[--j] : right / size;
  }
  return sizes;
}

/** Strides of the axes after they are cut to `sizes`. */
function cutStrides({ shape, strides }: Axes, sizes: Shape): number[] {
  const cut: number[] = [];
  let axis = shape.length - 1;
  let inner = 1;
  for (let i = sizes.length - 1; i >= 0; i--) {
    cut.unshift(strides[axis] * inner);
    inner *= sizes[i];
    if (inner !== shape[axis]) continue;
    axis--;
    inner = 1;
  }
  return cut;
}

/**
 * Same elements in row-major order, another shape. Also squeeze, unsqueeze, flatten. It copies only padded planes whose
 * padding the other shape lacks.
 */
export const reshape: Operator<ReshapeAttributes> = {
  infer({ shape }, [x]) {
    if (shape.some((size) => !Number.isInteger(size) || size < 1)) {
      throw new Error(`shape [${shape}] must be fully known, every axis at least 1`);
    }
    const wanted = elementCount(shape);
    const found = elementCount(x!.shape);
    if (wanted !== found) {
      throw new Error(`shape [${shape}] has ${wanted} elements, the input of shape [${x!.shape}] has ${found}`);
    }
    return [shape];
  },
  evaluate(_, [x], [shape]) {
    return [{ shape, data: x!.data.slice() }];
  },
  evaluationWork: everyElement,
  layout: 'inherit',
  place({ inputs: [x], outputs: [y] }, placement) {
    placeSame(placement, y, x, { shape: placement.shape(x), strides: placement.strides(x), floats: 0 });
  },
  lower({ inputs: [x], outputs: [y] }, lowering) {
    const from = storedView(lowering, x);
    const to = storedView(lowering, y);
    if (isPlacedView(lowering, x, from, y, to)) return;
    const a = collapse(from);
    const b = collapse(to);
    const sizes = commonSizes(a.shape, b.shape);
    if (sizes) {
      const source = { at: lowering.at(x), strides: cutStrides(a, sizes) };
      emitStridedCopy(lowering, sizes, source, { at: lowering.at(y), strides: cutStrides(b, sizes) });
      return;
    }
    const flat = lowering.scratch(4 * elementCount(from.shape));
    emitStridedCopy(
      lowering,
      from.shape,
      { at: lowering.at(x), ...from },
      { at: flat, strides: rowMajorStrides(from.shape) },
    );
    emitStridedCopy(
      lowering,
      to.shape,
      { at: flat, strides: rowMajorStrides(to.shape) },
      { at: lowering.at(y), ...to },
    );
  },
};
