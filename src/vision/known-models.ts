// Published networks that are recognised by the exact shapes of their inputs and outputs.
import { same } from './classifier-metadata.ts';
import { isReal, type TensorDescription } from './fields.ts';
import { takesBytes } from './quantized-bytes.ts';
import type { VisionMetadata } from './metadata.ts';
import { mobilenetAnchors, ssdPreprocessing } from './presets/ssd.ts';

/**
 * MediaPipe's detectors. Values from mediapipe/modules/{face,palm,pose}_detection (Apache-2.0): inputs are letterboxed with black
 * and run from −1 to 1, those of the palm detectors of 192 pixels from 0; boxes are merged where they overlap by 0.3.
 */
const mediapipeDetectors = [
  { label: 'face', width: 16, size: 192, anchors: 2304, strides: [4], anchorsPerCell: 1 },
  { label: 'face', width: 16, size: 128, anchors: 896, strides: [8, 16, 16, 16], anchorsPerCell: 2 },
  { label: 'face', width: 16, size: 256, anchors: 896, strides: [16, 32, 32, 32], anchorsPerCell: 2 },
  { label: 'palm', width: 18, size: 192, anchors: 2016, strides: [8, 16, 16, 16], anchorsPerCell: 2, fromZero: true },
  { label: 'palm', width: 18, size: 256, anchors: 2944, strides: [8, 16, 32, 32, 32], anchorsPerCell: 2 },
  { label: 'person', width: 12, size: 224, anchors: 2254, strides: [8, 16, 32, 32, 32], anchorsPerCell: 2 },
  { label: 'person', width: 12, size: 128, anchors: 896, strides: [8, 16, 16, 16], anchorsPerCell: 2 },
];

/** A known model's vision metadata; undefined for other models. */
export function knownModel(
  inputs: readonly TensorDescription[],
  outputs: readonly TensorDescription[],
): VisionMetadata | undefined {
  if (inputs.length !== 1 || outputs.length !== 2 || takesBytes(inputs[0])) return undefined;
  for (const { label, width, size, anchors, strides, anchorsPerCell, fromZero = false } of mediapipeDetectors) {
    const boxes = withShape(outputs, 1, anchors, width);
    const scores = withShape(outputs, 1, anchors, 1);
    if (!withShape(inputs, 1, size, size, 3) || !boxes || !scores) continue;
    return {
      task: 'detect',
      head: { type: 'mediapipe', boxes: boxes.name, scores: scores.name, strides, anchorsPerCell },
      preprocessing: {
        width: size,
        height: size,
        resize: 'letterbox',
        padValue: 0,
        ...(fromZero ? same(1 / 255, 0) : same(2 / 255, -1)),
        order: 'RGB',
      },
      labels: [label],
      scoreThreshold: 0.5,
      iouThreshold: 0.3,
    };
  }
  return objectronDetector(inputs, outputs);
}

/**
 * The SSD MobileNetV2 of MediaPipe's Objectron (Apache-2.0), trained on Open Images: logits, the background first. Its
 * labels are next to it in objectron_solution_packed_assets.data.
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
  return tensors.find((tensor) => isReal(tensor.dtype) && tensor.shape.join() === shape.join());
}
