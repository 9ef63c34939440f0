import type { Operator } from './operator.ts';

/** One entry per axis of the input. */
export interface SliceAttributes {
  starts: readonly number[];
  /** Elements taken along each axis. */
  sizes: readonly number[];
  /** May be negative; never 0. */
  steps: readonly number[];
}

/** output[i] = input[starts + i · steps]. */
export const slice: Operator<SliceAttributes> = {
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
