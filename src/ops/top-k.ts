import { rowMajorStrides } from '../program/layout.ts';
import { topKScratchBytes } from '../program/kernels/select.ts';
import { elementCount } from '../tensor.ts';
import { atLeast, collapse, innermost } from './broadcast.ts';
import { ownStorage, type Operator } from './operator.ts';
import { floatInputs } from './unary.ts';
import { checkAxis, resized } from './view.ts';

export interface TopKAttributes {
  axis: number;
  k: number;
  /** Or the smallest. */
  largest: boolean;
}

/**
 * Positions of the k largest elements along an axis, the largest first, of equal ones the first one first; NaN is larger than
 * all. ONNX TopK (its values are `takeAlongAxis` of these), ArgMax, ArgMin; TFLite TOPK_V2, ARG_MAX, ARG_MIN.
 */
export const topK: Operator<TopKAttributes> = {
  infer({ axis, k }, inputs) {
    const [{ shape }] = floatInputs(inputs, 1);
    checkAxis(axis, shape);
    if (!Number.isInteger(k) || k < 1 || k > shape[axis]) {
      throw new Error(`${k} of the ${shape[axis]} elements along axis ${axis} of shape [${shape}]`);
    }
    return [resized(shape, axis, k)];
  },

  evaluate({ axis, k, largest }, [x], [shape]) {
    const data = new Float32Array(elementCount(shape));
    const length = x!.shape[axis];
    const stride = rowMajorStrides(x!.shape)[axis];
    const positions = Array.from({ length }, (_, i) => i);
    const rank = (v: number) => (Number.isNaN(v) ? Infinity : v);
    for (let row = 0; row < data.length / k; row++) {
      const [outer, inner] = [Math.floor(row / stride), row % stride];
      const at = (i: number) => x!.data[(outer * length + i) * stride + inner];
      const compare = (i: number, j: number): number => {
        const [v, w] = [at(i), at(j)];
        if (Number.isNaN(v) !== Number.isNaN(w)) return Number.isNaN(v) === largest ? -1 : 1;
        if (rank(v) === rank(w)) return i - j;
        return v > w === largest ? -1 : 1;
      };
      positions
        .toSorted(compare)
        .slice(0, k)
        .forEach((position, i) => {
          data[(outer * k + i) * stride + inner] = position;
        });
    }
    return [{ shape, data }];
  },

  // it sorts
  evaluationWork: (_, [x]) => 32 * elementCount(x),

  layout: 'flat',

  place: ownStorage,

  lower(node, lowering) {
    const { axis, k, largest } = node.attributes;
    const [x] = node.inputs;
    const [y] = node.outputs;
    const shape = lowering.shape(x);
    if (elementCount(shape) === 0) return;
    const all = [lowering.strides(x), lowering.strides(y)];
    const without = (values: readonly number[]) => values.filter((_, i) => i !== axis);
    const { inner, offsets } = innermost(atLeast(collapse(without(shape), all.map(without)), 2), 2);
    const [outer0, outer1] = inner.dims;
    const [[xOuter0, xOuter1], [yOuter0, yOuter1]] = inner.strides.map((strides) => strides.map((s) => 4 * s));
    const [xAxis, yAxis] = all.map((strides) => 4 * strides[axis]);
    const sizes = { outer0, outer1, axis: shape[axis], k, smallest: largest ? 0 : 1 };
    const steps = { xOuter0, xOuter1, xAxis, yOuter0, yOuter1, yAxis };
    const scratch = lowering.scratch(topKScratchBytes(k));
    for (const [xAt, yAt] of offsets) {
      lowering.emit('f32_top_k', { x: lowering.at(x, xAt), scratch, y: lowering.at(y, yAt), ...sizes, ...steps });
    }
  },
};
