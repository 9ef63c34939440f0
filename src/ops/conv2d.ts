import type { Activation } from '../program/activations.ts';
import type { Operator } from './operator.ts';

/** A 2-D convolution's geometry, height first. */
export interface Conv2dAttributes {
  stride: readonly [number, number];
  dilation: readonly [number, number];
  /** Zeros around the input: top, left, bottom, right. */
  pads: readonly [number, number, number, number];
  groups: number;
  activation?: Activation;
}

/** (N, I, H, W), weights (O, I/groups, kh, kw), bias (O)? → (N, O, H′, W′). ONNX Conv; TFLite CONV_2D, DEPTHWISE_CONV_2D. */
export const conv2d: Operator<Conv2dAttributes> = {
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
