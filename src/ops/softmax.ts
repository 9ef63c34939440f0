import type { Operator } from './operator.ts';

export interface SoftmaxAttributes {
  axis: number;
  /** Multiplies the input; 1 but for TFLite's beta. */
  beta: number;
}

/** exp(beta·x) over its sum along the axis. */
export const softmax: Operator<SoftmaxAttributes> = {
  infer() {
    throw new Error('not written yet');
  },
  evaluate() {
    throw new Error('not written yet');
  },
  layout: 'inherit',
  lower() {
    throw new Error('not written yet');
  },
};
