import { emitMatrixProduct } from '../compile/matrix.ts';
import { rowMajorStrides } from '../graph/layout.ts';
import { elementCount } from '../tensor.ts';
import type { Activation } from '../program/activations.ts';
import type { Operator } from './operator.ts';

export interface LinearAttributes {
  activation?: Activation;
}

/** (…, K), weights (O, K), bias (O)? → (…, O). ONNX Gemm and MatMul by a constant; TFLite FULLY_CONNECTED. */
export const linear: Operator<LinearAttributes> = {
  infer() {
    throw new Error('not written yet');
  },
  evaluate() {
    throw new Error('not written yet');
  },
  layout: 'flat',
  lower(node, lowering) {
    const [x, w, b] = node.inputs;
    const weights = lowering.constantData(w);
    const bias = b ? lowering.constantData(b) : undefined;
    if (!weights || (b && !bias)) throw new Error('weights and bias must be constants');
    const [rows, columns] = lowering.shape(w);
    const shape = lowering.shape(x);
    const strides = lowering.strides(x);
    const contiguous = rowMajorStrides(shape);
    if (strides.some((s, i) => shape[i] > 1 && s !== contiguous[i])) throw new Error('the input must lie in flat rows');
    emitMatrixProduct(
      {
        rows,
        columns,
        weights,
        bias,
        taps: {
          channels: columns,
          kernel: [1, 1],
          stride: [1, 1],
          dilation: [1, 1],
          channelBytes: 4,
          phaseBytes: 0,
          rowBytes: 0,
        },
        x: lowering.at(x),
        y: lowering.at(node.outputs[0]),
        batch: elementCount(shape) / columns,
        xBatch: columns,
        yBatch: rows,
        height: 1,
        width: 1,
        yPlane: 1,
        rowPixels: 0,
        activation: node.attributes.activation,
      },
      lowering,
    );
  },
};
