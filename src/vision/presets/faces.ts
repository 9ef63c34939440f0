// Detectors of faces, as their makers export them.
import { isReal, type Input, type TensorDescription } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import { priorCount, type Place, type PriorBoxesHead } from '../heads/prior-boxes.ts';
import type { Clues, Fit, Preset } from './preset.ts';

const labels = ['face'];
const variances = [0.1, 0.2] as const;

type Priors = Pick<PriorBoxesHead, 'strides' | 'sizes' | 'whole'>;

const ultrafacePriors: Priors = {
  strides: [8, 16, 32, 64],
  sizes: [
    [10, 16, 24],
    [32, 48],
    [64, 96],
    [128, 192, 256],
  ],
};

const retinafacePriors: Priors = {
  strides: [8, 16, 32],
  sizes: [
    [16, 32],
    [64, 128],
    [256, 512],
  ],
};

/** An output [1, anchors, width] or [anchors, width] with the anchors of prior boxes. */
function anchored(outputs: readonly TensorDescription[], input: Input, priors: Priors, width: number) {
  const anchors = priorCount(priors, input);
  const of = outputs.filter(({ shape, dtype }) => {
    const rows = shape.length === 2 || (shape.length === 3 && shape[0] === 1);
    return rows && shape.at(-2) === anchors && shape.at(-1) === width && isReal(dtype);
  });
  return of.length === 1 ? of[0].name : undefined;
}

const place = (output: string, first = 0): Place => ({ output, first });

/** Whether scores are logits: the graph has no softmax. */
const activationOf = (output: string, { tails }: Clues) =>
  tails && !tails.get(output)?.operators.has('softmax') ? ('softmax' as const) : ('none' as const);

/** Boxes are decoded already, or offsets from prior boxes: the graph tells, names and shapes do not. */
export const ultraface =
  (decoded: boolean): Preset['fit'] =>
  (outputs, input, clues) => {
    const boxes = anchored(outputs, input, ultrafacePriors, 4);
    const scores = anchored(outputs, input, ultrafacePriors, 2);
    if (outputs.length !== 2 || boxes === undefined || scores === undefined) return undefined;
    const operators = clues.tails?.get(boxes)?.operators;
    if (operators && operators.has('exp') !== decoded) return undefined;
    const activation = activationOf(scores, clues);
    const common = { classes: 1, labels, sure: operators !== undefined };
    if (decoded) {
      return { ...common, head: { type: 'ssd', boxes, scores, activation, background: 1, coding: 'xyxy' } };
    }
    return {
      ...common,
      head: {
        type: 'prior-boxes',
        boxes: place(boxes),
        scores: place(scores),
        activation,
        ...ultrafacePriors,
        variances,
      },
    };
  };

export const retinaface: Preset['fit'] = (outputs, input, clues) => {
  const whole = anchored(outputs, input, retinafacePriors, 16);
  if (whole !== undefined && outputs.length === 1) {
    // boxes, keypoints and scores joined, in the order in which the graph joins them
    const seams = clues.tails?.get(whole)?.seams.at(-1) ?? [4, 6];
    const scoresFirst = !(seams.includes(14) && !seams.includes(6));
    const [scores, keypoints] = scoresFirst ? [4, 6] : [14, 4];
    return faces(
      { boxes: place(whole), scores: place(whole, scores), keypoints: place(whole, keypoints) },
      activationOf(whole, clues),
    );
  }
  const boxes = anchored(outputs, input, retinafacePriors, 4);
  const scores = anchored(outputs, input, retinafacePriors, 2);
  const keypoints = anchored(outputs, input, retinafacePriors, 10);
  if (outputs.length !== 3 || boxes === undefined || scores === undefined || keypoints === undefined) return undefined;
  const parts = { boxes: place(boxes), scores: place(scores), keypoints: place(keypoints) };
  return faces(parts, activationOf(scores, clues));
};

function faces(parts: Pick<PriorBoxesHead, 'boxes' | 'scores' | 'keypoints'>, activation: 'none' | 'softmax'): Fit {
  return { head: { type: 'prior-boxes', ...parts, activation, ...retinafacePriors, variances }, classes: 1, labels };
}

const yunetLayout: Priors = { ...ultrafacePriors, whole: true };

/** YuNet of 2021 and 2022: boxes and keypoints in one output. */
export const yunetPriors: Preset['fit'] = (outputs, input) => {
  const boxes = anchored(outputs, input, yunetLayout, 14);
  const scores = anchored(outputs, input, yunetLayout, 2);
  const overlap = anchored(outputs, input, yunetLayout, 1);
  if (outputs.length !== 3 || boxes === undefined || scores === undefined || overlap === undefined) return undefined;
  return {
    head: {
      type: 'prior-boxes',
      boxes: place(boxes),
      scores: place(scores),
      activation: 'none',
      keypoints: place(boxes, 4),
      overlap: place(overlap),
      ...yunetLayout,
      variances,
    },
    classes: 1,
    labels,
  };
};

/** Outputs of one level: those of so many anchors, by their width, in the order of the file. */
function ofLevel(outputs: readonly TensorDescription[], anchors: number, width: number): string[] {
  const found = outputs.filter(({ shape, dtype }) => {
    const rows = shape.length === 2 || (shape.length === 3 && shape[0] === 1);
    return rows && shape.at(-2) === anchors && shape.at(-1) === width && isReal(dtype);
  });
  return found.map(({ name }) => name);
}

/** YuNet of 2023. */
export const yunet: Preset['fit'] = (outputs, input) => {
  const strides = [8, 16, 32];
  if (outputs.length !== 4 * strides.length) return undefined;
  const levels = gridLevels(input, strides).map(({ rows, columns }) => {
    const [first, second] = ofLevel(outputs, rows * columns, 1);
    const [boxes] = ofLevel(outputs, rows * columns, 4);
    const [keypoints] = ofLevel(outputs, rows * columns, 10);
    // the score is a product of both: which is which makes no difference to it
    return second && boxes && keypoints ? { scores: first, objectness: second, boxes, keypoints } : undefined;
  });
  if (!levels.every((level) => level !== undefined)) return undefined;
  return { head: { type: 'yunet', levels, strides }, classes: 1, labels };
};

/** With or without keypoints; two anchors a cell, or one. */
export const scrfd: Preset['fit'] = (outputs, input, { tails }) => {
  const strides = [8, 16, 32];
  const grid = gridLevels(input, strides);
  for (const anchorsPerCell of [2, 1]) {
    const all = [1, 4, 10].map((width) =>
      grid.map(({ rows, columns }) => ofLevel(outputs, rows * columns * anchorsPerCell, width)),
    );
    const [scores, boxes, keypoints] = all.map((levels) => levels.flat());
    const alike = [scores, boxes].every(({ length }) => length === strides.length);
    const rest = outputs.length - 2 * strides.length;
    if (!alike || keypoints.length !== rest || (rest !== 0 && rest !== strides.length)) continue;
    const logits = tails && !tails.get(scores[0])?.operators.has('sigmoid');
    const head = {
      type: 'scrfd',
      scores,
      boxes,
      strides,
      anchorsPerCell,
      activation: logits ? 'sigmoid' : 'none',
    } as const;
    return { head: rest > 0 ? { ...head, keypoints } : head, classes: 1, labels };
  }
  return undefined;
};
