import type { Shape } from '../graph/graph.ts';
import { elementCount } from '../tensor.ts';
import { broadcastIndices, broadcastShape, broadcastStrides, collapse, innermost, type Loops } from './broadcast.ts';
import { everyElement, ownStorage, type Operator } from './operator.ts';
import { floatInputs } from './unary.ts';
import { checkAxis, resized } from './view.ts';

export interface TakeAlongAxisAttributes {
  axis: number;
}

/**
 * y[…, i, …] = x[…, indices[…, i, …], …], at one axis, NumPy's take_along_axis: x and the indices have one rank and broadcast
 * to each other along the other axes. Indices are integers that are computed; negative ones count from the end, and those
 * outside are the nearest one inside. ONNX GatherElements, and Gather and GatherND of computed indices.
 */
export const takeAlongAxis: Operator<TakeAlongAxisAttributes> = {
  infer({ axis }, inputs) {
    const [x, indices] = floatInputs(inputs, 2);
    checkAxis(axis, x.shape);
    if (indices.shape.length !== x.shape.length) {
      throw new Error(`indices of shape [${indices.shape}] for a tensor of shape [${x.shape}]`);
    }
    return [resultShape(axis, x.shape, indices.shape)];
  },

  evaluate({ axis }, [x, indices], [shape]) {
    const size = x!.shape[axis];
    const inner = elementCount(x!.shape.slice(axis + 1));
    const starts = broadcastIndices(resized(x!.shape, axis, 1), shape);
    const at = broadcastIndices(indices!.shape, shape);
    // positions in x without the axis become positions in x
    const place = (start: number, index: number) =>
      Math.floor(start / inner) * size * inner + index * inner + (start % inner);
    const data = Float32Array.from(at, (from, i) => x!.data[place(starts[i], resolved(indices!.data[from], size))]);
    return [{ shape, data }];
  },

  evaluationWork: everyElement,

  layout: 'flat',

  place: ownStorage,

  lower(node, lowering) {
    const { axis } = node.attributes;
    const [x, indices] = node.inputs;
    const [y] = node.outputs;
    const shape = lowering.shape(y);
    if (elementCount(shape) === 0) return;
    const xStrides = lowering.strides(x);
    const still = resized(lowering.shape(x), axis, 1);
    const strides = [
      broadcastStrides(still, xStrides, shape).map((stride, i) => (i === axis ? 0 : stride)),
      broadcastStrides(lowering.shape(indices), lowering.strides(indices), shape),
      lowering.strides(y),
    ];
    const { loops, run } = withRun(collapse(shape, strides));
    const { inner, offsets } = innermost(loops, 3);
    const [d0, d1, d2] = inner.dims;
    const [[x0, x1, x2], [i0, i1, i2], [y0, y1, y2]] = inner.strides.map((s) => s.map((f) => 4 * f));
    const steps = { x0, x1, x2, i0, i1, i2, y0, y1, y2, xIndex: 4 * xStrides[axis] };
    const sizes = { d0, d1, d2, run, size: lowering.shape(x)[axis] };
    for (const [xAt, iAt, yAt] of offsets) {
      const pointers = { x: lowering.at(x, xAt), indices: lowering.at(indices, iAt), y: lowering.at(y, yAt) };
      lowering.emit('f32_take', { ...pointers, ...sizes, ...steps });
    }
  },
};

function resultShape(axis: number, x: Shape, indices: Shape): number[] {
  const others = broadcastShape(resized(x, axis, 1), resized(indices, axis, 1));
  return resized(others, axis, indices[axis]);
}

/** The innermost loop as a run of floats that lie side by side, where they do and have one index. */
function withRun(loops: Loops): { loops: Loops; run: number } {
  const { dims, strides } = loops;
  const [x, indices, y] = strides.map((s) => s.at(-1));
  if (x !== 1 || indices !== 0 || y !== 1) return { loops, run: 1 };
  return { loops: { dims: dims.slice(0, -1), strides: strides.map((s) => s.slice(0, -1)) }, run: dims.at(-1)! };
}

/** As the kernel does it: NaN is 0. */
function resolved(index: number, size: number): number {
  const whole = Math.trunc(index) || 0;
  return Math.min(Math.max(whole < 0 ? whole + size : whole, 0), size - 1);
}
