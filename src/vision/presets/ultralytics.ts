// YOLOv5 to YOLO11 as Ultralytics exports them, and YOLOv7.
import { prototypesOf, seamsOf } from './parts.ts';
import type { Clues, ImageInput, Preset } from './preset.ts';
import { maps, table, tableEitherWay } from './preset.ts';

export const ultralyticsPreprocessing: Preset['preprocessing'] = {
  resize: 'letterbox',
  padValue: 114,
  scale: [1 / 255, 1 / 255, 1 / 255],
  offset: [0, 0, 0],
  order: 'RGB',
};

/** TFLite exports of Ultralytics give fractions, whatever their layout; all others give pixels. */
export const exportedBoxes = ({ channelsLast }: ImageInput, { facts }: Clues) =>
  channelsLast || facts.isTflite ? 'fractions' : 'pixels';

export const yolov8: Preset['fit'] = (outputs, input, clues) => {
  const found = tableEitherWay(outputs, input, 4);
  if (!found) return undefined;
  const { name, width, channelsFirst } = found;
  // Mask prototypes beside it, or parts behind the scores: some of the numbers are no classes.
  if (prototypesOf(outputs, input) || seamsOf(found, clues).some((seam) => seam > 4)) return undefined;
  const boxes = exportedBoxes(input, clues);
  return { head: { type: 'yolo', output: name, channelsFirst, objectness: false, boxes }, classes: width - 4 };
};

const yolov8Bins = 16;

export const yolov8Dfl: Preset['fit'] = (outputs, input, clues) => {
  const head = { type: 'gfl', distances: 'before', bins: yolov8Bins, centre: 0.5, activation: 'sigmoid' } as const;
  const found = tableEitherWay(outputs, input, 4 * yolov8Bins);
  if (found) {
    const { name, width, channelsFirst, strides } = found;
    return { head: { ...head, outputs: [name], channelsFirst, strides }, classes: width - 4 * yolov8Bins };
  }
  const channelsFirst = !input.channelsLast;
  const apart = maps(outputs, input, channelsFirst, 4);
  if (!apart) return undefined;
  const widths = apart.levels.map(({ shape }) => shape[channelsFirst ? 1 : 3]);
  const classes = widths[0] - 4 * yolov8Bins;
  const seams = clues.tails?.get(apart.levels[0].name)?.seams[channelsFirst ? 1 : 3] ?? [];
  const more = prototypesOf(outputs, input) || seams.some((seam) => seam > 4 * yolov8Bins);
  if (classes < 1 || more || widths.some((width) => width !== widths[0])) return undefined;
  const names = apart.levels.map(({ name }) => name);
  return { head: { ...head, outputs: names, channelsFirst, strides: apart.strides }, classes };
};

export const yolov5: Preset['fit'] = (outputs, input, clues) => {
  const found = table(outputs, input, 5, false, 3);
  if (!found || prototypesOf(outputs, input) || seamsOf(found, clues).some((seam) => seam > 5)) return undefined;
  const { name, width } = found;
  const head = { type: 'yolo', output: name, channelsFirst: false, objectness: true } as const;
  const classes = width - 5;
  // Seeed's: pixels in TFLite files too
  if (clues.tails?.get(name)?.percent) {
    return { head: { ...head, boxes: 'pixels', percent: true }, classes, sure: seamsOf(found, clues).join() === '2,4' };
  }
  return { head: { ...head, boxes: exportedBoxes(input, clues) }, classes };
};

/** Anchors as the models are published with them; networks trained with others must bring theirs. */
export const yoloAnchors: Record<'yolov5' | 'yolov7', readonly (readonly number[])[]> = {
  yolov5: [
    [10, 13, 16, 30, 33, 23],
    [30, 61, 62, 45, 59, 119],
    [116, 90, 156, 198, 373, 326],
  ],
  yolov7: [
    [12, 16, 19, 36, 40, 28],
    [36, 75, 76, 55, 72, 146],
    [142, 110, 192, 243, 459, 401],
  ],
};

export const yoloMaps =
  (anchors: readonly (readonly number[])[]): Preset['fit'] =>
  (outputs, input) => {
    const channelsFirst = !input.channelsLast;
    const apart = maps(outputs, input, true, 5);
    const found = apart ?? maps(outputs, input, channelsFirst, 4);
    if (!found || found.strides.length !== anchors.length) return undefined;
    const channels = found.levels.map(({ shape }) => (apart ? shape[1] * shape[4] : shape[channelsFirst ? 1 : 3]));
    const classes = channels[0] / 3 - 5;
    const alike = channels.every((count) => count === channels[0]) && (!apart || found.levels[0].shape[1] === 3);
    if (!alike || !Number.isInteger(classes) || classes < 1) return undefined;
    const names = found.levels.map(({ name }) => name);
    return { head: { type: 'yolo-anchors', outputs: names, channelsFirst, strides: found.strides, anchors }, classes };
  };
