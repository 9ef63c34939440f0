import type { Operator } from './operator.ts';

export interface ResizeAttributes {
  mode: 'nearest' | 'linear';
  /** Output height and width. */
  size: readonly [number, number];
  /** ONNX coordinate_transformation_mode. TFLite: alignCorners, halfPixel, else asymmetric. */
  coordinates: 'halfPixel' | 'pytorchHalfPixel' | 'alignCorners' | 'asymmetric' | 'tfHalfPixelForNearest';
  /** ONNX nearest_mode; TFLite nearest is floor (half pixel: floor of x + 0.5 scaled; align corners: roundPreferCeil). */
  nearest: 'roundPreferFloor' | 'roundPreferCeil' | 'floor' | 'ceil';
  /** Output over input size where the file gives it and it is not size/input exactly. */
  scales?: readonly [number, number];
}

/** (N, C, H, W) → (N, C, H′, W′). ONNX Resize, Upsample; TFLite RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR. */
export const resize: Operator<ResizeAttributes> = {
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
