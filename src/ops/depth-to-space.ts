import { copyView, storedView } from './copy.ts';
import { everyElement, ownStorage, type Operator } from './operator.ts';
import { readView, wholeView, type View } from './view.ts';

export interface DepthToSpaceAttributes {
  blockSize: number;
  /** Order of the channel axis: DCR (block, block, C), TFLite's order, or CRD (C, block, block), PyTorch's pixel shuffle. */
  order: 'DCR' | 'CRD';
}

/** The input as (N, C, H, b, W, b), in the order of the output. */
function view({ blockSize: b, order }: DepthToSpaceAttributes, { shape, strides, floats }: View): View {
  const [n, cbb, h, w] = shape;
  const [image, plane, row, pixel] = strides;
  const c = cbb / (b * b);
  const [channel, down, right] = order === 'DCR' ? [1, b * c, c] : [b * b, b, 1];
  return {
    shape: [n, c, h, b, w, b],
    strides: [image, channel * plane, row, down * plane, pixel, right * plane],
    floats,
  };
}

/** The output as (N, C, H, b, W, b). */
function blocks(b: number, { shape: [n, c, h, w], strides: [image, plane, row, pixel], floats }: View): View {
  return { shape: [n, c, h / b, b, w / b, b], strides: [image, plane, b * row, row, b * pixel, pixel], floats };
}

/** (N, C·b², H, W) → (N, C, H·b, W·b). ONNX DepthToSpace; TFLite DEPTH_TO_SPACE. */
export const depthToSpace: Operator<DepthToSpaceAttributes> = {
  infer({ blockSize: b, order }, [x]) {
    const { shape } = x!;
    if (shape.length !== 4) throw new Error(`the input must be (N, C, H, W), got shape [${shape}]`);
    if (!Number.isInteger(b) || b < 1) throw new Error(`block size ${b} must be a positive integer`);
    if (order !== 'DCR' && order !== 'CRD') throw new Error(`order "${String(order)}" must be DCR or CRD`);
    const [n, c, h, w] = shape;
    if (c % (b * b)) throw new Error(`${c} channels must be a multiple of ${b * b}, the square of the block size`);
    return [[n, c / (b * b), h * b, w * b]];
  },
  evaluate(attributes, [x], [shape]) {
    return [readView(x!.data, view(attributes, wholeView(x!.shape)), shape)];
  },
  evaluationWork: everyElement,
  layout: 'planes',
  place: ownStorage,
  lower({ inputs: [x], outputs: [y], attributes }, lowering) {
    const to = blocks(attributes.blockSize, storedView(lowering, y));
    copyView(lowering, x, view(attributes, storedView(lowering, x)), y, to);
  },
};
