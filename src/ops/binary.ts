import type { Activation } from '../program/activations.ts';
import type { Operator } from './operator.ts';

export type BinaryFunction = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pow' | 'prelu';

export interface BinaryAttributes {
  /** prelu(x, slope) is x < 0 ? slope·x : x. */
  fn: BinaryFunction;
  activation?: Activation;
}

/** (a, b) → act(f(a, b)) with NumPy broadcasting. */
export const binary: Operator<BinaryAttributes> = {
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
