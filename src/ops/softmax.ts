import { rowMajorStrides } from '../program/layout.ts';
import { elementCount } from '../tensor.ts';
import { collapse, innermost, withUnitInner } from './broadcast.ts';
import { everyElement, type Operator } from './operator.ts';
import { floatInputs, sameStrides } from './unary.ts';

export interface SoftmaxAttributes {
  /** Non-negative. */
  axis: number;
  /** Factor on the input: TFLite's beta, else 1. */
  beta: number;
}

/** exp(beta·x) divided by its sum along the axis. ONNX Softmax; TFLite SOFTMAX. */
export const softmax: Operator<SoftmaxAttributes> = {
  infer({ axis }, inputs) {
    const [{ shape }] = floatInputs(inputs, 1);
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) {
      throw new Error(`axis ${axis} is not an axis of shape [${shape}]`);
    }
    return [[...shape]];
  },

  evaluate({ axis, beta }, [x], [shape]) {
    const data = new Float32Array(x!.data.length);
    const length = shape[axis];
    const stride = rowMajorStrides(shape)[axis];
    for (let start = 0; start < data.length; start++) {
      if (Math.floor(start / stride) % length !== 0) continue;
      let max = -Infinity;
      for (let i = 0; i < length; i++) max = Math.max(max, beta * x!.data[start + i * stride]);
      let sum = 0;
      for (let i = 0; i < length; i++) sum += Math.exp(beta * x!.data[start + i * stride] - max);
      for (let i = 0; i < length; i++) {
        data[start + i * stride] = Math.exp(beta * x!.data[start + i * stride] - max) / sum;
      }
    }
    return [{ shape, data }];
  },

  evaluationWork: everyElement,

  layout: 'inherit',

  place(node, placement) {
    const [x] = node.inputs;
    const [y] = node.outputs;
    if (placement.isConstant(x) || !placement.diesHere(x)) return;
    if (sameStrides(placement.strides(x), placement.strides(y))) placement.alias(y, x);
  },

  lower(node, lowering) {
    const { axis, beta } = node.attributes;
    const [x] = node.inputs;
    const [y] = node.outputs;
    const shape = lowering.shape(x);
    if (elementCount(shape) === 0) return;
    const all = [lowering.strides(x), lowering.strides(y)];
    const [xAxis, yAxis] = all.map((strides) => strides[axis]);
    // The other axes, with a contiguous one innermost: the kernel computes four softmaxes side by side along it.
    let loops = collapse(
      without(shape, axis),
      all.map((strides) => without(strides, axis)),
    );
    const isRow = xAxis === 1 && yAxis === 1;
    if (isRow || loops.strides.some((strides) => strides.at(-1) !== 1)) loops = withUnitInner(loops);
    const { inner, offsets } = innermost(loops, 3);
    const [outer0, outer1, columns] = inner.dims;
    const sizes = { outer0, outer1, axis: shape[axis], inner: columns };
    const [[xOuter0, xOuter1], [yOuter0, yOuter1]] = inner.strides.map((strides) => strides.map((s) => 4 * s));
    const steps = { xOuter0, xOuter1, xAxis: 4 * xAxis, yOuter0, yOuter1, yAxis: 4 * yAxis };
    for (const [xAt, yAt] of offsets) {
      lowering.emit('f32_softmax', {
        x: lowering.at(x, xAt),
        y: lowering.at(y, yAt),
        ...sizes,
        ...steps,
        beta,
      });
    }
  },
};

function without(values: readonly number[], axis: number): number[] {
  return values.filter((_, i) => i !== axis);
}
