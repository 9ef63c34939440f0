import type { Activation } from '../program/activations.ts';
import type { Operator } from './operator.ts';

export interface AveragePoolAttributes {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  pads: readonly [number, number, number, number];
  ceilMode: boolean;
  /** Whether padding counts in the divisor. */
  countIncludePad: boolean;
  activation?: Activation;
}

/** (N, C, H, W) → (N, C, H′, W′). ONNX AveragePool; TFLite AVERAGE_POOL_2D. */
export const averagePool: Operator<AveragePoolAttributes> = {
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
