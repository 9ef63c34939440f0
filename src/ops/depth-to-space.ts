import type { Operator } from './operator.ts';

export interface DepthToSpaceAttributes {
  blockSize: number;
  /** Order of the channel axis: DCR (block, block, C), as TFLite, or CRD (C, block, block), as pixel shuffle. */
  order: 'DCR' | 'CRD';
}

/** (N, C·b², H, W) → (N, C, H·b, W·b). ONNX DepthToSpace; TFLite DEPTH_TO_SPACE. */
export const depthToSpace: Operator<DepthToSpaceAttributes> = {
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
