import { copyView, storedView } from './copy.ts';
import { everyElement, type Operator } from './operator.ts';
import { checkAxis, placeView, readView, resized, wholeView, type View } from './view.ts';

export interface SplitAttributes {
  axis: number;
  /** Length of each output along the axis. */
  sizes: readonly number[];
}

/** The part of the input that each output shows. */
function views({ axis, sizes }: SplitAttributes, { shape, strides, floats }: View): View[] {
  let start = 0;
  return sizes.map((size) => {
    const view = { shape: resized(shape, axis, size), strides, floats: floats + start * strides[axis] };
    start += size;
    return view;
  });
}

/** Cuts the input along an axis into several outputs. They stay inside the input when all outer axes have length 1. */
export const split: Operator<SplitAttributes> = {
  infer(attributes, [x]) {
    const { axis, sizes } = attributes;
    const { shape } = x!;
    checkAxis(axis, shape);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (sizes.some((size) => !Number.isInteger(size) || size < 1) || total !== shape[axis]) {
      throw new Error(`sizes [${sizes}] must be positive and make up the ${shape[axis]} elements of axis ${axis}`);
    }
    return views(attributes, wholeView(shape)).map((view) => view.shape);
  },
  evaluate(attributes, [x], shapes) {
    return views(attributes, wholeView(x!.shape)).map((view, i) => readView(x!.data, view, shapes[i]));
  },
  evaluationWork: everyElement,
  layout: ({ attributes }) => (attributes.axis <= 1 ? 'inherit' : 'flat'),
  place({ inputs: [x], outputs, attributes }, placement) {
    const stored = { shape: placement.shape(x), strides: placement.strides(x), floats: 0 };
    for (const [i, view] of views(attributes, stored).entries()) placeView(placement, outputs[i], x, view);
  },
  lower({ inputs: [x], outputs, attributes }, lowering) {
    for (const [i, view] of views(attributes, storedView(lowering, x)).entries()) {
      copyView(lowering, x, view, outputs[i], storedView(lowering, outputs[i]));
    }
  },
};
