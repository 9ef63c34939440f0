// Published networks that are known by the exact shapes of what goes in and comes out.
import type { TensorDescription } from './fields.ts';
import type { VisionMetadata } from './metadata.ts';
import { mobilenetAnchors, ssdPreprocessing } from './presets/ssd.ts';

/**
 * MediaPipe's two face detectors, dense or sparse. Values from mediapipe/modules/face_detection (Apache-2.0): inputs are
 * letterboxed with black and run from −1 to 1; boxes are merged where they overlap by 0.3.
 */
const faceDetectors = [
  { range: 'full', size: 192, anchors: 2304, strides: [4], anchorsPerCell: 1 },
  { range: 'short', size: 128, anchors: 896, strides: [8, 16, 16, 16], anchorsPerCell: 2 },
];

/** What a known model sees; undefined when we do not know it. */
export function knownModel(
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
  return objectronDetector(inputs, outputs);
}

/**
 * The SSD MobileNetV2 of MediaPipe's Objectron (Apache-2.0), trained on Open Images: logits, the background first. Its
 * labels lie before it in objectron_solution_packed_assets.data.
 */
function objectronDetector(
  inputs: readonly TensorDescription[],
  outputs: readonly TensorDescription[],
): VisionMetadata | undefined {
  const boxes = withShape(outputs, 1, 1917, 4);
  const scores = withShape(outputs, 1, 1917, 24);
  if (!withShape(inputs, 1, 300, 300, 3) || !boxes || !scores) return undefined;
  return {
    task: 'detect',
    head: {
      type: 'ssd',
      boxes: boxes.name,
      scores: scores.name,
      activation: 'sigmoid',
      background: 1,
      coding: 'yxhw',
      scales: [0.1, 0.1, 0.2, 0.2],
      anchors: mobilenetAnchors,
    },
    preprocessing: { width: 300, height: 300, ...ssdPreprocessing },
    labels: (
      'Bicycle|Boot|Laptop|Person|Chair|Cattle|Desk|Cat|Computer mouse|Computer monitor|Box|Mug|Coffee cup|' +
      'Stationary bicycle|Table|Bottle|High heels|Vehicle|Footwear|Dog|Book|Camera|Car'
    ).split('|'),
    scoreThreshold: 0.5,
    iouThreshold: 0.5,
  };
}

function withShape(tensors: readonly TensorDescription[], ...shape: number[]): TensorDescription | undefined {
  return tensors.find((tensor) => tensor.dtype === 'float32' && tensor.shape.join() === shape.join());
}
