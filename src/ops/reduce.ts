import type { Operator } from './operator.ts';

export interface ReduceAttributes {
  fn: 'mean' | 'sum' | 'max' | 'min';
  /** Non-negative axes, ascending. Global pooling of (N, C, H, W) is [2, 3]. */
  axes: readonly number[];
  keepDims: boolean;
}

/** Reduces over axes. ONNX ReduceMean, GlobalAveragePool, …; TFLite MEAN, SUM, REDUCE_MAX. */
export const reduce: Operator<ReduceAttributes> = {
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
