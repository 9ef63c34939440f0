// Networks that are known by the shapes of what goes in and comes out. Used when a model is compiled: its artifact
// carries the answer as `metadata.vision`.
import type { TensorDescription } from './fields.ts';
import type { VisionMetadata } from './metadata.ts';

/**
 * MediaPipe's two face detectors, dense or sparse. Values from mediapipe/modules/face_detection (Apache-2.0): inputs are
 * letterboxed with black and run from −1 to 1; boxes are merged where they overlap by 0.3.
 */
const faceDetectors = [
  { range: 'full', size: 192, anchors: 2304, strides: [4], anchorsPerCell: 1 },
  { range: 'short', size: 128, anchors: 896, strides: [8, 16, 16, 16], anchorsPerCell: 2 },
];

/** What a model of these inputs and outputs sees; undefined when we do not know. */
export function recogniseVision(
  inputs: readonly TensorDescription[],
  outputs: readonly TensorDescription[],
): VisionMetadata | undefined {
  if (inputs.length !== 1 || outputs.length !== 2) return undefined;
  for (const { size, anchors, strides, anchorsPerCell } of faceDetectors) {
    const boxes = withShape(outputs, 1, anchors, 16);
    const scores = withShape(outputs, 1, anchors, 1);
    if (!withShape(inputs, 1, size, size, 3) || !boxes || !scores) continue;
    return {
      task: 'detect',
      head: { type: 'mediapipe-face', boxes: boxes.name, scores: scores.name, strides, anchorsPerCell },
      preprocessing: {
        width: size,
        height: size,
        resize: 'letterbox',
        padValue: 0,
        scale: [2 / 255, 2 / 255, 2 / 255],
        offset: [-1, -1, -1],
        order: 'RGB',
      },
      labels: ['face'],
      scoreThreshold: 0.5,
      iouThreshold: 0.3,
    };
  }
  return undefined;
}

function withShape(tensors: readonly TensorDescription[], ...shape: number[]): TensorDescription | undefined {
  return tensors.find((tensor) => tensor.dtype === 'float32' && tensor.shape.join() === shape.join());
}
