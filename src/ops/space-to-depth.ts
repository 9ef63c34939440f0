import type { Operator } from './operator.ts';

export interface SpaceToDepthAttributes {
  blockSize: number;
}

/** (N, C, H·b, W·b) → (N, b·b·C, H, W), block position outermost. ONNX SpaceToDepth; TFLite SPACE_TO_DEPTH. */
export const spaceToDepth: Operator<SpaceToDepthAttributes> = {
  infer() {
    throw new Error('not written yet');
  },
  evaluate() {
    throw new Error('not written yet');
  },
  layout: 'planes',
  lower() {
    throw new Error('not written yet');
  },
};
