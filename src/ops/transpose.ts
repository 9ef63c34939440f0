import { copyView, storedView } from './copy.ts';
import { everyElement, type Operator } from './operator.ts';
import { placeSame, readView, wholeView, type View } from './view.ts';

export interface TransposeAttributes {
  /** Axis i of the output is axis permutation[i] of the input. */
  permutation: readonly number[];
}

function view({ permutation }: TransposeAttributes, { shape, strides, floats }: View): View {
  return { shape: permutation.map((axis) => shape[axis]), strides: permutation.map((axis) => strides[axis]), floats };
}

/** Permutes axes. ONNX Transpose; TFLite TRANSPOSE. Nothing is copied when only axes of length 1 change places. */
export const transpose: Operator<TransposeAttributes> = {
  infer({ permutation }, [x]) {
    const { shape } = x!;
    if (permutation.length !== shape.length || shape.some((_, axis) => !permutation.includes(axis))) {
      throw new Error(`permutation [${permutation}] must hold every axis of the input's shape [${shape}] once`);
    }
    return [permutation.map((axis) => shape[axis])];
  },
  evaluate(attributes, [x], [shape]) {
    return [readView(x!.data, view(attributes, wholeView(x!.shape)), shape)];
  },
  evaluationWork: everyElement,
  layout: 'flat',
  place({ inputs: [x], outputs: [y], attributes }, placement) {
    const stored = { shape: placement.shape(x), strides: placement.strides(x), floats: 0 };
    placeSame(placement, y, x, view(attributes, stored));
  },
  lower({ inputs: [x], outputs: [y], attributes }, lowering) {
    copyView(lowering, x, view(attributes, storedView(lowering, x)), y, storedView(lowering, y));
  },
};
