import type { Operator } from './operator.ts';

export interface ConcatAttributes {
  axis: number;
}

/** Joins inputs along an axis. */
export const concat: Operator<ConcatAttributes> = {
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
