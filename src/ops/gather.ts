import type { Operator } from './operator.ts';

export interface GatherAttributes {
  axis: number;
}

/** (x, constant indices) → x with `axis` replaced by the shape of the indices. ONNX Gather; TFLite GATHER. */
export const gather: Operator<GatherAttributes> = {
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
