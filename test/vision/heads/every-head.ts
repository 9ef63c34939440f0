// Metadata of every type of head, and outputs that fit.
import type { TensorDescription } from '../../../src/vision/fields.ts';
import type { Head } from '../../../src/vision/heads/head.ts';

/** Of the models that heads belong to, in pixels. */
export const input = { width: 64, height: 64 };
const out = (name: string, ...shape: number[]): TensorDescription => ({ name, dtype: 'float32', shape });
const rows = { output: 'o', channelsFirst: true, objectness: false, boxes: 'pixels' } as const;
const place = (output: string) => ({ output, first: 0 });
const level = { scores: 'a', objectness: 'b', boxes: 'c', keypoints: 'd' };
const keypoints = { count: 2, values: 3 } as const;

/** One of each type, with outputs that fit. */
export const everyHead: { [K in Head['type']]: [Extract<Head, { type: K }>, ...TensorDescription[]] } = {
  mediapipe: [
    { type: 'mediapipe', boxes: 'b', scores: 's', strides: [16], anchorsPerCell: 2 },
    out('b', 1, 32, 18),
    out('s', 1, 32, 1),
  ],
  yolo: [{ type: 'yolo', ...rows, boxes: 'grid', strides: [16] }, out('o', 1, 7, 16)],
  'yolo-pose': [{ type: 'yolo-pose', ...rows, keypoints, place: 'after' }, out('o', 1, 11, 16)],
  'yolo-seg': [
    { type: 'yolo-seg', ...rows, prototypes: 'p', prototypesFirst: true },
    out('o', 1, 14, 16),
    out('p', 1, 8, 16, 16),
  ],
  'yolo-obb': [{ type: 'yolo-obb', output: 'o', channelsFirst: true, boxes: 'pixels' }, out('o', 1, 7, 16)],
  'end-to-end': [{ type: 'end-to-end', output: 'o', boxes: 'pixels', classes: 3, keypoints }, out('o', 1, 9, 12)],
  'yolo-anchors': [
    { type: 'yolo-anchors', outputs: ['o'], channelsFirst: true, strides: [16], anchors: [[1, 2, 3, 4]] },
    out('o', 1, 14, 4, 4),
  ],
  gfl: [
    {
      type: 'gfl',
      outputs: ['o'],
      channelsFirst: false,
      distances: ['d'],
      bins: 4,
      strides: [16],
      centre: 0.5,
      activation: 'none',
    },
    out('o', 1, 16, 3),
    out('d', 1, 16, 16),
  ],
  ssd: [
    { type: 'ssd', boxes: 'b', scores: 's', activation: 'none', background: 1, coding: 'xyxy' },
    out('b', 1, 9, 4),
    out('s', 1, 9, 3),
  ],
  centernet: [
    {
      type: 'centernet',
      heatmap: 'h',
      size: 's',
      offset: 'o',
      channelsFirst: true,
      activation: 'none',
      sizeUnit: 'cells',
    },
    out('h', 1, 3, 4, 4),
    out('s', 1, 2, 4, 4),
    out('o', 1, 2, 4, 4),
  ],
  fastestdet: [{ type: 'fastestdet', output: 'o', stride: 16 }, out('o', 1, 8, 4, 4)],
  'yolo-fastest': [
    { type: 'yolo-fastest', outputs: ['o'], strides: [16], anchors: [[1, 2, 3, 4]] },
    out('o', 1, 16, 13),
  ],
  fomo: [{ type: 'fomo', output: 'o', channelsFirst: false }, out('o', 1, 8, 8, 3)],
  movenet: [{ type: 'movenet', output: 'o' }, out('o', 1, 6, 56)],
  'prior-boxes': [
    {
      type: 'prior-boxes',
      boxes: place('b'),
      scores: place('s'),
      activation: 'none',
      keypoints: place('k'),
      overlap: place('g'),
      strides: [16],
      sizes: [[10, 20]],
      whole: true,
      variances: [0.1, 0.2],
    },
    out('b', 1, 32, 4),
    out('s', 1, 32, 2),
    out('k', 1, 32, 10),
    out('g', 1, 32, 1),
  ],
  scrfd: [
    {
      type: 'scrfd',
      scores: ['s'],
      activation: 'none',
      boxes: ['b'],
      keypoints: ['k'],
      strides: [16],
      anchorsPerCell: 2,
    },
    out('s', 32, 1),
    out('b', 32, 4),
    out('k', 32, 10),
  ],
  'yolo-pose-maps': [
    { type: 'yolo-pose-maps', outputs: ['o'], channelsFirst: true, bins: 4, strides: [16], keypoints },
    out('o', 1, 23, 4, 4),
  ],
  yunet: [
    { type: 'yunet', levels: [level], strides: [16] },
    out('a', 1, 16, 1),
    out('b', 1, 16, 1),
    out('c', 1, 16, 4),
    out('d', 1, 16, 10),
  ],
};
