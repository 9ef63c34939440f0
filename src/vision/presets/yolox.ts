import { seamsOf } from './parts.ts';
import type { Preset } from './preset.ts';
import { table } from './preset.ts';

export const yoloxPreprocessing: Preset['preprocessing'] = {
  resize: 'letterbox-top-left',
  padValue: 114,
  scale: [1, 1, 1],
  offset: [0, 0, 0],
  order: 'BGR',
};

export const yolox =
  (boxes: 'grid' | 'pixels'): Preset['fit'] =>
  (outputs, input, clues) => {
    const found = table(outputs, input, 5, false);
    if (!found) return undefined;
    const { name, width, strides } = found;
    const head = { type: 'yolo', output: name, channelsFirst: false, objectness: true, boxes } as const;
    const sure = seamsOf(found, clues).join() === '4,5'; // it joins boxes, objectness and classes
    return { head: boxes === 'grid' ? { ...head, strides } : head, classes: width - 5, sure };
  };
