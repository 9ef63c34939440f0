import type { Operator } from './operator.ts';

export interface TransposeAttributes {
  /** Axis i of the output is axis permutation[i] of the input. */
  permutation: readonly number[];
}

/** Permutes axes. */
export const transpose: Operator<TransposeAttributes> = {
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
