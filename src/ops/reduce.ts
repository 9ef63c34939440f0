import { rowMajorStrides } from '../program/layout.ts';
import { reduceFunctions } from '../program/kernels/reduce.ts';
import { elementCount } from '../tensor.ts';
import { atLeast, collapse, innermost, withUnitInner } from './broadcast.ts';
import { everyElement, ownStorage, type Operator } from './operator.ts';
import { floatInputs } from './unary.ts';

export interface ReduceAttributes {
  fn: 'mean' | 'sum' | 'max' | 'min';
  /** Non-negative axes, ascending. Global pooling of (N, C, H, W) is [2, 3]. */
  axes: readonly number[];
  keepDims: boolean;
}

/** The kernel's loops over reduced axes. Neighbouring axes form one loop, except N, C and H of padded planes. */
const maxReducedLoops = 3;

/** Reduces over axes. ONNX ReduceMean, GlobalAveragePool, …; TFLite MEAN, SUM, REDUCE_MAX. */
export const reduce: Operator<ReduceAttributes> = {
  infer({ fn, axes, keepDims }, inputs) {
    if (fn !== 'mean' && !reduceFunctions.includes(fn)) throw new Error(`unknown function "${String(fn)}"`);
    const [{ shape }] = floatInputs(inputs, 1);
    for (const [i, axis] of axes.entries()) {
      if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) {
        throw new Error(`axis ${axis} is not an axis of shape [${shape}]`);
      }
      if (i > 0 && axis <= axes[i - 1]) throw new Error(`axes [${axes}] must ascend`);
      if (shape[axis] === 0) throw new Error(`axis ${axis} of shape [${shape}] has nothing to reduce`);
    }
    const runs = axes.filter((axis) => !axes.includes(axis - 1)).length;
    if (runs > maxReducedLoops) {
      throw new Error(`axes [${axes}] are ${runs} separate runs of axes; at most ${maxReducedLoops} are supported`);
    }
    const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    return [keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis))];
  },

  evaluate({ fn, axes }, [x], [shape]) {
    const { shape: from, data } = x!;
    const kept = from.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const keptStrides = rowMajorStrides(kept);
    const strides = rowMajorStrides(from);
    const start = fn === 'max' ? -Infinity : fn === 'min' ? Infinity : 0;
    const results = new Float64Array(elementCount(shape)).fill(start);
    for (const [i, value] of data.entries()) {
      let at = 0;
      for (const [axis, stride] of strides.entries()) {
        if (kept[axis] !== 1) at += (Math.floor(i / stride) % from[axis]) * keptStrides[axis];
      }
      if (fn === 'max') results[at] = Math.max(results[at], value);
      else if (fn === 'min') results[at] = Math.min(results[at], value);
      else results[at] += value;
    }
    const count = fn === 'mean' ? axes.reduce((n, axis) => n * from[axis], 1) : 1;
    return [{ shape, data: Float32Array.from(results, (r) => r / count) }];
  },

  evaluationWork: everyElement,

  layout: 'flat',
  place: ownStorage,

  lower(node, lowering) {
    const { fn, axes, keepDims } = node.attributes;
    const [x] = node.inputs;
    const [y] = node.outputs;
    const shape = lowering.shape(x);
    if (elementCount(shape) === 0) return;
    const xStrides = lowering.strides(x);
    const yStrides = lowering.strides(y);
    const keptAxes = [...shape.keys()].filter((axis) => !axes.includes(axis));

    const reduced = collapse(pick(shape, axes), [pick(xStrides, axes)], maxReducedLoops);
    const [xReduced0, xReduced1, xReduced2] = reduced.strides[0].map((s) => 4 * s);
    const [reduced0, reduced1, reduced2] = reduced.dims;
    let kept = collapse(pick(shape, keptAxes), [
      pick(xStrides, keptAxes),
      keepDims ? pick(yStrides, keptAxes) : yStrides,
    ]);
    // The kernel reduces runs of contiguous memory, or else four outputs side by side.
    const isRun = xReduced2 === 4;
    if (isRun || kept.strides.some((strides) => strides.at(-1) !== 1)) kept = withUnitInner(kept);
    const { inner: loops, offsets } = innermost(atLeast(kept, 3), 3);
    const [kept0, kept1, inner] = loops.dims;
    const [[xKept0, xKept1], [yKept0, yKept1]] = loops.strides.map((strides) => strides.map((s) => 4 * s));
    const keptFields = { kept0, kept1, inner, xKept0, xKept1, yKept0, yKept1 };
    const reducedFields = { reduced0, reduced1, reduced2, xReduced0, xReduced1, xReduced2 };
    const count = elementCount(pick(shape, axes));
    for (const [xAt, yAt] of offsets) {
      lowering.emit('f32_reduce', {
        x: lowering.at(x, xAt),
        y: lowering.at(y, yAt),
        fn: reduceFunctions.indexOf(fn === 'mean' ? 'sum' : fn),
        scale: fn === 'mean' ? 1 / count : 1,
        ...keptFields,
        ...reducedFields,
      });
    }
  },
};

function pick(values: readonly number[], axes: readonly number[]): number[] {
  return axes.map((axis) => values[axis]);
}
