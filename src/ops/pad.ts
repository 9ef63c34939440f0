import type { Operator } from './operator.ts';

/** One entry per axis. Negative amounts crop. */
export interface PadAttributes {
  before: readonly number[];
  after: readonly number[];
  mode: 'constant' | 'reflect' | 'edge';
  value: number;
}

/** ONNX Pad; TFLite PAD, PADV2, MIRROR_PAD (reflect). */
export const pad: Operator<PadAttributes> = {
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
