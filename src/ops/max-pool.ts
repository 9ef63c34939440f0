import type { Activation } from '../program/activations.ts';
import type { Operator } from './operator.ts';

export interface MaxPoolAttributes {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  dilation: readonly [number, number];
  /** Top, left, bottom, right; padding never wins. */
  pads: readonly [number, number, number, number];
  ceilMode: boolean;
  activation?: Activation;
}

/** (N, C, H, W) → (N, C, H′, W′). ONNX MaxPool; TFLite MAX_POOL_2D. */
export const maxPool: Operator<MaxPoolAttributes> = {
  infer() {
    throw new Error('not written yet');
  },
  evaluate() {
    throw new Error('not written yet');
  },
  layout: 'planes',
  lower() {
    throw new Error('not written yet');
  },
};
