import type { Activation } from '../program/activations.ts';
import type { Operator } from './operator.ts';

/** x → f(x), element by element; the functions are listed in program/activations.ts. */
export const unary: Operator<Activation> = {
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
