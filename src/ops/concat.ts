import { copyView, storedView } from './copy.ts';
import type { Shape } from '../graph/graph.ts';
import { everyElement, type Operator } from './operator.ts';
import { checkAxis, placeView, resized, type View } from './view.ts';

export interface ConcatAttributes {
  axis: number;
}

/** The part of the output that each input fills. */
function slots(axis: number, inputs: Shape[], { strides, floats }: View): View[] {
  let start = 0;
  return inputs.map((shape) => {
    const slot = { shape, strides, floats: floats + start * strides[axis] };
    start += shape[axis];
    return slot;
  });
}

/** Joins inputs along an axis. Inputs are computed in their slots of the output when all outer axes have length 1. */
export const concat: Operator<ConcatAttributes> = {
  infer({ axis }, inputs) {
    if (!inputs.length) throw new Error('no inputs');
    const shapes = inputs.map((input, i) => {
      if (!input) throw new Error(`input ${i} is absent`);
      return input.shape;
    });
    checkAxis(axis, shapes[0]);
    for (const [i, shape] of shapes.entries()) {
      if (shape.length !== shapes[0].length || shape.some((size, a) => a !== axis && size !== shapes[0][a])) {
        throw new Error(
          `input ${i} of shape [${shape}] must be like input 0 of shape [${shapes[0]}] but for axis ${axis}`,
        );
      }
    }
    return [
      resized(
        shapes[0],
        axis,
        shapes.reduce((sum, shape) => sum + shape[axis], 0),
      ),
    ];
  },
  evaluate({ axis }, inputs, [shape]) {
    const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const y = new Float32Array(outer * shape[axis] * inner);
    let at = 0;
    for (let i = 0; i < outer; i++) {
      for (const x of inputs) {
        const run = x!.shape[axis] * inner;
        for (let j = 0; j < run; j++) y[at++] = x!.data[i * run + j];
      }
    }
    return [{ shape, data: y }];
  },
  evaluationWork: everyElement,
  layout: ({ attributes }) => (attributes.axis <= 1 ? 'inherit' : 'flat'),
  place({ inputs, outputs: [y], attributes: { axis } }, placement) {
    const stored = { shape: placement.shape(y), strides: placement.strides(y), floats: 0 };
    const shapes = inputs.map((input) => placement.shape(input));
    for (const [i, slot] of slots(axis, shapes, stored).entries()) placeView(placement, inputs[i], y, slot);
  },
  lower({ inputs, outputs: [y], attributes: { axis } }, lowering) {
    const shapes = inputs.map((input) => lowering.shape(input));
    for (const [i, slot] of slots(axis, shapes, storedView(lowering, y)).entries()) {
      copyView(lowering, inputs[i], storedView(lowering, inputs[i]), y, slot);
    }
  },
};
