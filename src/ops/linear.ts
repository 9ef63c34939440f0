import { activateInPlace } from '../graph/activation.ts';
import type { Activation } from '../program/activations.ts';
import { checkBias } from './conv2d.ts';
import type { Operator } from './operator.ts';

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
  layout: 'flat',
  lower() {
    throw new Error('not written yet');
  },
};
