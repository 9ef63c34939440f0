import { isReal, type TensorDescription } from '../fields.ts';
import type { SsdHead } from '../heads/ssd.ts';
import { normalization } from '../preprocessing.ts';
import { ssdAnchorCount } from '../ssd-anchors.ts';
import type { Preset } from './preset.ts';

/** −1…1 on the whole input: what TensorFlow's SSDs take. */
export const ssdPreprocessing: Preset['preprocessing'] = {
  resize: 'stretch',
  padValue: 0,
  ...normalization([127.5, 127.5, 127.5], [127.5, 127.5, 127.5]),
  order: 'RGB',
};

/** Boxes (…, anchors, 4) and scores (…, anchors, classes). */
function boxesAndScores(outputs: readonly TensorDescription[]) {
  if (outputs.length !== 2) return undefined;
  // maps have two axes of places
  const anchorsOf = ({ shape }: TensorDescription) => {
    const places = shape.slice(0, -1).filter((d) => d !== 1);
    return places.length === 1 ? places[0] : 0;
  };
  const looksLikeBoxes = ({ shape, dtype }: TensorDescription) => shape.at(-1) === 4 && isReal(dtype);
  const named = outputs.find((output) => looksLikeBoxes(output) && /box|loc/i.test(output.name));
  const boxes = named ?? outputs.find(looksLikeBoxes);
  const scores = outputs.find((output) => output !== boxes && isReal(output.dtype));
  if (!boxes || !scores || anchorsOf(boxes) < 2 || anchorsOf(boxes) !== anchorsOf(scores)) return undefined;
  return { boxes: boxes.name, scores: scores.name, anchors: anchorsOf(boxes), width: scores.shape.at(-1)! };
}

/** ssd_anchor_generator of TensorFlow's SSD MobileNets: six layers, six anchors a cell, three in the first. */
export const mobilenetAnchors = {
  strides: [16, 32, 64, 128, 256, 512],
  aspectRatios: [1, 2, 0.5, 3, 1 / 3],
  interpolatedScaleAspectRatio: 1,
  fixedAnchorSize: false,
  minScale: 0.2,
  maxScale: 0.95,
  reduceBoxesInLowestLayer: true,
} as const;

export const ssd =
  (activation: SsdHead['activation']): Preset['fit'] =>
  (outputs, input) => {
    const found = boxesAndScores(outputs);
    const options = { ...mobilenetAnchors, inputWidth: input.width, inputHeight: input.height };
    if (!found || found.anchors !== ssdAnchorCount(options) || found.width < 2) return undefined;
    const { boxes, scores, width } = found;
    const scales = [0.1, 0.1, 0.2, 0.2] as const;
    const anchors = mobilenetAnchors;
    return {
      head: { type: 'ssd', boxes, scores, activation, background: 1, coding: 'yxhw', scales, anchors },
      classes: width - 1,
    };
  };

export const ssdCorners: Preset['fit'] = (outputs) => {
  const found = boxesAndScores(outputs);
  if (!found || found.width < 2) return undefined;
  const { boxes, scores, width } = found;
  return {
    head: { type: 'ssd', boxes, scores, activation: 'none', background: 1, coding: 'xyxy' },
    classes: width - 1,
  };
};
