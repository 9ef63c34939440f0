import { copyView, storedView } from './copy.ts';
import { everyElement, type Operator } from './operator.ts';
import { placeSame, readView, wholeView, type View } from './view.ts';

/** One entry per axis of the input. */
export interface SliceAttributes {
  starts: readonly number[];
  /** Elements taken along each axis. */
  sizes: readonly number[];
  /** May be negative; never 0. */
  steps: readonly number[];
}

function view({ starts, sizes, steps }: SliceAttributes, { strides, floats }: View): View {
  return {
    shape: sizes,
    strides: steps.map((step, axis) => step * strides[axis]),
    floats: starts.reduce((sum, start, axis) => sum + start * strides[axis], floats),
  };
}

/**
 * output[i] = input[starts + i · steps]. ONNX Slice; TFLite SLICE, STRIDED_SLICE. Nothing is copied when the slice is one
 * block of memory: steps of 1, whole axes inside the sliced one, axes of length 1 outside it.
 */
export const slice: Operator<SliceAttributes> = {
  infer({ starts, sizes, steps }, [x]) {
    const { shape } = x!;
    for (const [name, list] of Object.entries({ starts, sizes, steps })) {
      if (list.length !== shape.length || list.some((i) => !Number.isInteger(i))) {
        throw new Error(`${name} [${list}] must be integers, one for each axis of the input's shape [${shape}]`);
      }
    }
    for (const [axis, size] of sizes.entries()) {
      const start = starts[axis];
      const step = steps[axis];
      if (size < 1) throw new Error(`nothing is left of axis ${axis}: size ${size}`);
      if (step === 0) throw new Error(`the step along axis ${axis} is 0`);
      const end = start + (size - 1) * step;
      if (Math.min(start, end) < 0 || Math.max(start, end) >= shape[axis]) {
        throw new Error(`elements ${start}…${end} of axis ${axis} lie outside 0…${shape[axis] - 1}`);
      }
    }
    return [sizes];
  },
  evaluate(attributes, [x], [shape]) {
    return [readView(x!.data, view(attributes, wholeView(x!.shape)), shape)];
  },
  evaluationWork: everyElement,
  layout: 'inherit',
  place({ inputs: [x], outputs: [y], attributes }, placement) {
    const stored = { shape: placement.shape(x), strides: placement.strides(x), floats: 0 };
    placeSame(placement, y, x, view(attributes, stored));
  },
  lower({ inputs: [x], outputs: [y], attributes }, lowering) {
    copyView(lowering, x, view(attributes, storedView(lowering, x)), y, storedView(lowering, y));
  },
};
