import type { Activation } from '../program/activations.ts';
import type { Operator } from './operator.ts';

/** A transposed convolution's geometry, height first. `pads` crops the output: top, left, bottom, right. */
export interface ConvTranspose2dAttributes {
  stride: readonly [number, number];
  dilation: readonly [number, number];
  pads: readonly [number, number, number, number];
  outputPadding: readonly [number, number];
  groups: number;
  activation?: Activation;
}

/** (N, I, H, W), weights (I, O/groups, kh, kw), bias (O)? → (N, O, H′, W′). ONNX ConvTranspose; TFLite TRANSPOSE_CONV. */
export const convTranspose2d: Operator<ConvTranspose2dAttributes> = {
  infer() {
    throw new Error('not written yet');
  },
  evaluate() {
    throw new Error('not written yet');
  },
  layout: 'planes',
  lower() {
    throw new Error('a transposed convolution is rewritten as a convolution before lowering (passes/)');
  },
};
