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
  lower() {
    throw new Error('not written yet');
  },
};
