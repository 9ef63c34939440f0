import { activateInPlace } from '../graph/activation.ts';
import { emitMatrixProduct } from '../lower/matrix.ts';
import { rowMajorStrides } from '../program/layout.ts';
import { elementCount } from '../tensor.ts';
import type { Activation } from '../program/activations.ts';
import type { Lowering } from '../lower/lowering.ts';
import type { Pointer } from '../program/program.ts';
import { checkBias, weightsForEveryOutput } from './convolution.ts';
import { emitStridedCopy } from './copy.ts';
import { ownStorage, type Operator } from './operator.ts';

export interface LinearAttributes {
  activation?: Activation;
}

/** (…, K), weights (O, K), bias (O)? → (…, O). ONNX Gemm and MatMul by a constant; TFLite FULLY_CONNECTED. */
export const linear: Operator<LinearAttributes> = {
  infer(_attributes, [x, weights, bias]) {
    if (!x || !weights) throw new Error('an input and weights must be given');
    if (x.shape.length < 1) throw new Error('the input must have rank 1 or more, got a scalar');
    if (weights.shape.length !== 2) throw new Error(`the weights must be (outputs, inputs), got [${weights.shape}]`);
    const [outputs, inputs] = weights.shape;
    if (x.shape.at(-1) !== inputs) {
      throw new Error(
        `weights [${weights.shape}] want ${inputs} inputs, the input [${x.shape}] ends in ${x.shape.at(-1)}`,
      );
    }
    checkBias(bias, outputs);
    return [[...x.shape.slice(0, -1), outputs]];
  },
  evaluate({ activation }, [x, weights, bias], [shape]) {
    const [outputs, inputs] = weights!.shape;
    const rows = x!.data.length / inputs;
    const data = new Float32Array(rows * outputs);
    for (let row = 0; row < rows; row++) {
      for (let o = 0; o < outputs; o++) {
        let sum = bias ? bias.data[o] : 0;
        for (let k = 0; k < inputs; k++) sum += x!.data[row * inputs + k] * weights!.data[o * inputs + k];
        data[row * outputs + o] = sum;
      }
    }
    return [{ shape, data: activateInPlace(data, activation) }];
  },
  evaluationWork: weightsForEveryOutput,
  layout: 'flat',
  place: ownStorage,
  lower(node, lowering) {
    const [x, w, b] = node.inputs;
    const weights = lowering.constantData(w);
    const bias = b ? lowering.constantData(b) : undefined;
    if (!weights || (b && !bias)) throw new Error('weights and bias must be constants');
    const [rows, columns] = lowering.shape(w);
    const shape = lowering.shape(x);
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
        x: flatRows(x, lowering),
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

/** x in flat rows: in place, or a copy without the padding of its planes. */
function flatRows(x: string, lowering: Lowering): Pointer {
  const shape = lowering.shape(x);
  const strides = lowering.strides(x);
  const contiguous = rowMajorStrides(shape);
  if (strides.every((stride, axis) => shape[axis] === 1 || stride === contiguous[axis])) return lowering.at(x);
  const copy = lowering.scratch(4 * elementCount(shape));
  emitStridedCopy(lowering, shape, { at: lowering.at(x), strides }, { at: copy, strides: contiguous });
  return copy;
}
