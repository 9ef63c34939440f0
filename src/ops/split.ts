import type { Operator } from './operator.ts';

export interface SplitAttributes {
  axis: number;
  /** Length of each output along the axis. */
  sizes: readonly number[];
}

/** Cuts the input along an axis into several outputs. */
export const split: Operator<SplitAttributes> = {
  infer() {
    throw new Error('not written yet');
  },
  evaluate() {
    throw new Error('not written yet');
  },
  layout: ({ attributes }) => (attributes.axis === 1 ? 'inherit' : 'flat'),
  lower() {
    throw new Error('not written yet');
  },
};
