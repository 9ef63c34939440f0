import { copyView, storedView } from './copy.ts';
import { everyElement, ownStorage, type Operator } from './operator.ts';
import { readView, wholeView, type View } from './view.ts';

export interface SpaceToDepthAttributes {
  blockSize: number;
}

/** The input as (N, b, b, C, H, W), in the order of the output. */
function view(b: number, { shape: [n, c, h, w], strides: [image, plane, row, pixel], floats }: View): View {
  return { shape: [n, b, b, c, h / b, w / b], strides: [image, row, pixel, plane, b * row, b * pixel], floats };
}

/** The output as (N, b, b, C, H, W). */
function blocks(b: number, { shape: [n, bbc, h, w], strides: [image, plane, row, pixel], floats }: View): View {
  const c = bbc / (b * b);
  return { shape: [n, b, b, c, h, w], strides: [image, b * c * plane, c * plane, plane, row, pixel], floats };
}

/** (N, C, H·b, W·b) → (N, b·b·C, H, W), block position outermost. ONNX SpaceToDepth; TFLite SPACE_TO_DEPTH. */
export const spaceToDepth: Operator<SpaceToDepthAttributes> = {
  infer({ blockSize: b }, [x]) {
    const { shape } = x!;
    if (shape.length !== 4) throw new Error(`the input must be (N, C, H, W), got shape [${shape}]`);
    if (!Number.isInteger(b) || b < 1) throw new Error(`block size ${b} must be a positive integer`);
    const [n, c, h, w] = shape;
    if (h % b || w % b) throw new Error(`height ${h} and width ${w} must be multiples of the block size ${b}`);
    return [[n, c * b * b, h / b, w / b]];
  },
  evaluate({ blockSize }, [x], [shape]) {
    return [readView(x!.data, view(blockSize, wholeView(x!.shape)), shape)];
  },
  evaluationWork: everyElement,
  layout: 'planes',
  place: ownStorage,
  lower({ inputs: [x], outputs: [y], attributes: { blockSize } }, lowering) {
    const from = view(blockSize, storedView(lowering, x));
    copyView(lowering, x, from, y, blocks(blockSize, storedView(lowering, y)));
  },
};
