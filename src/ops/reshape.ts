import type { Operator } from './operator.ts';

export interface ReshapeAttributes {
  /** Fully known. */
  shape: readonly number[];
}

/** Same elements in row-major order, another shape. Also squeeze, unsqueeze, flatten. */
export const reshape: Operator<ReshapeAttributes> = {
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
