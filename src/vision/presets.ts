// The families of detection networks that people export, each with its authors' own pre- and post-processing. A preset
// checks whether a model's outputs can be its own.
import type { Input, TensorDescription } from './fields.ts';
import { cellCount, gridLevels } from './grid.ts';
import type { Head } from './heads/index.ts';
import type { SsdHead } from './heads/ssd.ts';
import { normalization, type Preprocessing } from './preprocessing.ts';
import { ssdAnchorCount } from './ssd-anchors.ts';

export interface ModelDescription {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A way to read a model's outputs. */
export interface Fit {
  readonly head: Head;
  /** Undefined where the outputs do not tell. */
  readonly classes?: number;
}

export interface Preset {
  /** The outputs it needs, for messages; sizes in brackets. */
  readonly wants: string;
  /** Used only when the caller names it: its outputs look like another preset's. */
  readonly onlyWhenNamed?: boolean;
  /** The preset that wins when both fit: the decoded output beside the maps it is made from. */
  readonly yieldsTo?: string;
  /** Words in a file's own description that suggest it. */
  readonly words?: RegExp;
  readonly preprocessing: Omit<Preprocessing, 'width' | 'height'>;
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  fit(outputs: readonly TensorDescription[], input: ImageInput): Fit | undefined;
}

/** The image that a model takes. */
export interface ImageInput extends Input {
  readonly channelsLast: boolean;
}

const plain: Pick<Preprocessing, 'scale' | 'offset'> = { scale: [1, 1, 1], offset: [0, 0, 0] };

const yoloxPreprocessing: Preset['preprocessing'] = {
  resize: 'letterbox-top-left',
  padValue: 114,
  ...plain,
  order: 'BGR',
};

const ultralyticsPreprocessing: Preset['preprocessing'] = {
  resize: 'letterbox',
  padValue: 114,
  scale: [1 / 255, 1 / 255, 1 / 255],
  offset: [0, 0, 0],
  order: 'RGB',
};

/** −1…1 on the whole input, as TensorFlow's SSDs take it. */
export const ssdPreprocessing: Preset['preprocessing'] = {
  resize: 'stretch',
  padValue: 0,
  ...normalization([127.5, 127.5, 127.5], [127.5, 127.5, 127.5]),
  order: 'RGB',
};

const centernetPreprocessing: Preset['preprocessing'] = {
  resize: 'letterbox',
  padValue: 0,
  ...normalization([0.408 * 255, 0.447 * 255, 0.47 * 255], [0.289 * 255, 0.274 * 255, 0.278 * 255]),
  order: 'BGR',
};

const strideSets = [
  [8, 16, 32],
  [8, 16, 32, 64],
];

/** The strides of levels with this many cells in total, `perCell` anchors each. */
function stridesOf(input: Input, anchors: number, perCell = 1): number[] | undefined {
  return strideSets.find((strides) => perCell * cellCount(gridLevels(input, strides)) === anchors);
}

/**
 * The first output [1, anchors, width], or [1, width, anchors], with one anchor (or `perCell`) per cell and width >
 * least.
 */
function table(
  outputs: readonly TensorDescription[],
  input: Input,
  least: number,
  channelsFirst: boolean,
  perCell = 1,
) {
  for (const { name, shape, dtype } of outputs) {
    if (shape.length !== 3 || shape[0] !== 1 || dtype !== 'float32') continue;
    const [anchors, width] = channelsFirst ? [shape[2], shape[1]] : [shape[1], shape[2]];
    const strides = stridesOf(input, anchors, perCell);
    if (strides && width > least) return { name, width, strides, channelsFirst };
  }
  return undefined;
}

/** The same in either layout. */
function tableEitherWay(outputs: readonly TensorDescription[], input: Input, least: number) {
  return table(outputs, input, least, true) ?? table(outputs, input, least, false);
}

/** One output of rank 4 or 5 per level, in order of strides. */
function maps(outputs: readonly TensorDescription[], input: Input, channelsFirst: boolean, rank: number) {
  for (const strides of strideSets) {
    const levels = gridLevels(input, strides).map(({ rows, columns }) =>
      outputs.find(({ shape, dtype }) => {
        if (shape.length !== rank || shape[0] !== 1 || dtype !== 'float32') return false;
        const [height, width] = rank === 5 || channelsFirst ? shape.slice(2) : shape.slice(1);
        return height === rows && width === columns;
      }),
    );
    if (levels.every((level) => level !== undefined)) return { levels, strides };
  }
  return undefined;
}

const yolox =
  (boxes: 'grid' | 'pixels'): Preset['fit'] =>
  (outputs, input) => {
    const found = table(outputs, input, 5, false);
    if (!found) return undefined;
    const { name, width, strides } = found;
    const head = { type: 'yolo', output: name, channelsFirst: false, objectness: true, boxes } as const;
    return { head: boxes === 'grid' ? { ...head, strides } : head, classes: width - 5 };
  };

/** TensorFlow exports of Ultralytics give fractions; all others give pixels. */
const exportedBoxes = (input: ImageInput) => (input.channelsLast ? 'fractions' : 'pixels');

/** So many detections at most; 300 with Ultralytics' defaults. */
const mostDetections = 1000;

/** One output of detections; not of one number an anchor. */
const endToEnd: Preset['fit'] = (outputs, input) => {
  const [{ name, shape, dtype }] = outputs;
  const [batch, count, width] = shape;
  if (outputs.length !== 1 || shape.length !== 3 || dtype !== 'float32' || batch !== 1 || width !== 6) return undefined;
  if (count > mostDetections || stridesOf(input, count) || stridesOf(input, count, 3)) return undefined;
  return { head: { type: 'end-to-end', output: name, boxes: exportedBoxes(input) } };
};

const yolov8: Preset['fit'] = (outputs, input) => {
  const found = tableEitherWay(outputs, input, 4);
  if (!found) return undefined;
  const { name, width, channelsFirst } = found;
  // There are mask prototypes: some of the numbers belong to masks, not to classes.
  if (outputs.some(({ shape }) => shape.length === 4 && shape.includes(32) && shape.includes(input.width / 4))) {
    return undefined;
  }
  const boxes = exportedBoxes(input);
  return { head: { type: 'yolo', output: name, channelsFirst, objectness: false, boxes }, classes: width - 4 };
};

const yolov8Bins = 16;

const yolov8Dfl: Preset['fit'] = (outputs, input) => {
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
  if (classes < 1 || widths.some((width) => width !== widths[0])) return undefined;
  const names = apart.levels.map(({ name }) => name);
  return { head: { ...head, outputs: names, channelsFirst, strides: apart.strides }, classes };
};

const yolov5: Preset['fit'] = (outputs, input) => {
  const found = table(outputs, input, 5, false, 3);
  if (!found) return undefined;
  const { name, width } = found;
  const boxes = exportedBoxes(input);
  return { head: { type: 'yolo', output: name, channelsFirst: false, objectness: true, boxes }, classes: width - 5 };
};

/** Anchors of the published models; networks trained with others must bring theirs. */
const yoloAnchors: Record<'yolov5' | 'yolov7', readonly (readonly number[])[]> = {
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

const yoloMaps =
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

const nanodetBins = 8;

const nanodetHead = { type: 'gfl', channelsFirst: false, bins: nanodetBins, activation: 'none' } as const;

const nanodet: Preset['fit'] = (outputs, input) => {
  const found = table(outputs, input, 4 * nanodetBins, false);
  if (!found) return classesAndDistances(outputs, input, [8, 16, 32]);
  const { name, width, strides } = found;
  const centre = strides.length === 4 ? 0 : 0.5; // NanoDet-Plus has four levels and measures from the cells' corners
  return {
    head: { ...nanodetHead, outputs: [name], distances: 'after', strides, centre },
    classes: width - 4 * nanodetBins,
  };
};

const picodet: Preset['fit'] = (outputs, input) => classesAndDistances(outputs, input, [8, 16, 32, 64]);

/** Two outputs per level: scores [1, cells, classes] and distances [1, cells, 32], each in the order of levels. */
function classesAndDistances(
  outputs: readonly TensorDescription[],
  input: Input,
  strides: readonly number[],
): Fit | undefined {
  const levels = gridLevels(input, strides);
  if (outputs.length !== 2 * levels.length) return undefined;
  const [scores, distances]: [string[], string[]] = [[], []];
  let classes: number | undefined;
  for (const level of levels) {
    const cells = level.rows * level.columns;
    const both = outputs.filter(({ shape, dtype }) => {
      const rows = shape.length === 2 || (shape.length === 3 && shape[0] === 1);
      return rows && shape.at(-2) === cells && dtype === 'float32';
    });
    if (both.length !== 2) return undefined;
    const at = both.findLastIndex(({ shape }) => shape.at(-1) === 4 * nanodetBins); // the makers' order: scores first
    if (at < 0) return undefined;
    const { name, shape } = both[1 - at];
    classes ??= shape.at(-1);
    if (shape.at(-1) !== classes) return undefined;
    scores.push(name);
    distances.push(both[at].name);
  }
  return { head: { ...nanodetHead, outputs: scores, distances, strides, centre: 0.5 }, classes: classes! };
}

/** Boxes (…, anchors, 4) and scores (…, anchors, classes). */
function boxesAndScores(outputs: readonly TensorDescription[]) {
  if (outputs.length !== 2) return undefined;
  const anchorsOf = ({ shape }: TensorDescription) => shape.slice(0, -1).reduce((n, d) => n * d, 1);
  const looksLikeBoxes = ({ shape, dtype }: TensorDescription) => shape.at(-1) === 4 && dtype === 'float32';
  const named = outputs.find((output) => looksLikeBoxes(output) && /box|loc/i.test(output.name));
  const boxes = named ?? outputs.find(looksLikeBoxes);
  const scores = outputs.find((output) => output !== boxes && output.dtype === 'float32');
  if (!boxes || !scores || anchorsOf(boxes) < 2 || anchorsOf(boxes) !== anchorsOf(scores)) return undefined;
  return { boxes: boxes.name, scores: scores.name, anchors: anchorsOf(boxes), width: scores.shape.at(-1)! };
}

/** ssd_anchor_generator of TensorFlow's SSD MobileNets: six layers, six anchors per cell, three in the first. */
export const mobilenetAnchors = {
  strides: [16, 32, 64, 128, 256, 512],
  aspectRatios: [1, 2, 0.5, 3, 1 / 3],
  interpolatedScaleAspectRatio: 1,
  fixedAnchorSize: false,
  minScale: 0.2,
  maxScale: 0.95,
  reduceBoxesInLowestLayer: true,
} as const;

const ssd =
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

const ssdCorners: Preset['fit'] = (outputs) => {
  const found = boxesAndScores(outputs);
  if (!found || found.width < 2) return undefined;
  const { boxes, scores, width } = found;
  return {
    head: { type: 'ssd', boxes, scores, activation: 'none', background: 1, coding: 'xyxy' },
    classes: width - 1,
  };
};

const centernet =
  (activation: 'none' | 'sigmoid'): Preset['fit'] =>
  (outputs, { channelsLast }) => {
    if (outputs.length !== 3 || outputs.some(({ shape, dtype }) => shape.length !== 4 || dtype !== 'float32')) {
      return undefined;
    }
    const area = ({ shape }: TensorDescription) => (channelsLast ? shape.slice(1, 3) : shape.slice(2)).join();
    const channels = ({ shape }: TensorDescription) => shape[channelsLast ? 3 : 1];
    if (outputs.some((output) => output.shape[0] !== 1 || area(output) !== area(outputs[0]))) return undefined;
    const heatmap =
      outputs.find(({ name }) => /heat|^hm/i.test(name)) ?? outputs.find((output) => channels(output) !== 2);
    const pairs = outputs.filter((output) => output !== heatmap);
    if (!heatmap || pairs.some((output) => channels(output) !== 2)) return undefined;
    const size = pairs.find(({ name }) => /wh|size/i.test(name)) ?? pairs[0]; // the makers' order: heatmap, size, offset
    const offset = pairs.find((output) => output !== size)!;
    return {
      head: {
        type: 'centernet',
        heatmap: heatmap.name,
        size: size.name,
        offset: offset.name,
        channelsFirst: !channelsLast,
        activation,
        sizeUnit: 'cells',
      },
      classes: channels(heatmap),
    };
  };

const yoloWants = 'an output [1, cells, 5 + classes]';

const presets = {
  yolox: {
    wants: yoloWants,
    words: /yolox/i,
    preprocessing: yoloxPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 0.45,
    fit: yolox('grid'),
  },
  /** YOLOX exported with `--decode_in_inference`. */
  'yolox-decoded': {
    wants: yoloWants,
    onlyWhenNamed: true,
    preprocessing: yoloxPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 0.45,
    fit: yolox('pixels'),
  },
  /** YOLO11 too. */
  yolov8: {
    wants: 'an output [1, 4 + classes, cells] or [1, cells, 4 + classes]',
    words: /yolo-?(v8|v9|v?10|v?11|v?12|v?26)/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.7,
    fit: yolov8,
  },
  /** YOLOv10 and YOLO26, and exports with suppression in the network. */
  'end-to-end': {
    wants: 'an output [1, detections, 6]',
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.7,
    fit: endToEnd,
  },
  'yolov8-dfl': {
    wants: 'an output [1, 64 + classes, cells] or maps [1, 64 + classes, rows, columns] for all strides',
    yieldsTo: 'yolov8',
    words: /yolo-?(v8|v9|v?10|v?11|v?12|v?26)/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.7,
    fit: yolov8Dfl,
  },
  /** YOLOv7 too. */
  yolov5: {
    wants: 'an output [1, 3 · cells, 5 + classes]',
    words: /yolo-?v[57]/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.45,
    fit: yolov5,
  },
  'yolov5-maps': {
    wants: 'maps [1, 3, rows, columns, 5 + classes] or [1, 3 · (5 + classes), rows, columns] for strides 8, 16 and 32',
    yieldsTo: 'yolov5',
    words: /yolo-?v5/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.45,
    fit: yoloMaps(yoloAnchors.yolov5),
  },
  'yolov7-maps': {
    wants: 'maps [1, 3, rows, columns, 5 + classes] or [1, 3 · (5 + classes), rows, columns] for strides 8, 16 and 32',
    yieldsTo: 'yolov5',
    words: /yolo-?v7/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.45,
    fit: yoloMaps(yoloAnchors.yolov7),
  },
  nanodet: {
    wants:
      'an output [1, cells, classes + 32], or outputs [1, cells, classes] and [1, cells, 32] for strides 8, 16 and 32',
    words: /nanodet/i,
    preprocessing: {
      resize: 'stretch',
      padValue: 0,
      ...normalization([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
      order: 'BGR',
    },
    scoreThreshold: 0.35,
    iouThreshold: 0.6,
    fit: nanodet,
  },
  /** Paddle2ONNX's export, without post-processing. */
  picodet: {
    wants: 'outputs [1, cells, classes] and [1, cells, 32] for strides 8, 16, 32 and 64',
    words: /pico-?det/i,
    preprocessing: {
      resize: 'stretch',
      padValue: 0,
      ...normalization([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
      order: 'RGB',
    },
    scoreThreshold: 0.4,
    iouThreshold: 0.6,
    fit: picodet,
  },
  /** Scores are probabilities. */
  ssd: {
    wants: 'two outputs, [1, anchors, 4] and [1, anchors, 1 + classes], with the anchors of an SSD MobileNet',
    preprocessing: ssdPreprocessing,
    scoreThreshold: 0.5,
    iouThreshold: 0.6,
    fit: ssd('none'),
  },
  /** Scores are logits; classes are independent of each other. */
  'ssd-sigmoid': {
    wants: 'two outputs, [1, anchors, 4] and [1, anchors, 1 + classes], with the anchors of an SSD MobileNet',
    preprocessing: ssdPreprocessing,
    scoreThreshold: 0.5,
    iouThreshold: 0.6,
    fit: ssd('sigmoid'),
  },
  /** Scores are logits, softmax over all classes. */
  'ssd-softmax': {
    wants: 'two outputs, [1, anchors, 4] and [1, anchors, 1 + classes], with the anchors of an SSD MobileNet',
    preprocessing: ssdPreprocessing,
    scoreThreshold: 0.5,
    iouThreshold: 0.6,
    fit: ssd('softmax'),
  },
  /** Boxes are corners already: pytorch-ssd, UltraFace. */
  'ssd-corners': {
    wants: 'two outputs, [1, anchors, 4] and [1, anchors, 1 + classes]',
    onlyWhenNamed: true,
    preprocessing: {
      resize: 'stretch',
      padValue: 0,
      ...normalization([127, 127, 127], [128, 128, 128]),
      order: 'RGB',
    },
    scoreThreshold: 0.5,
    iouThreshold: 0.45,
    fit: ssdCorners,
  },
  /** The heatmap holds logits. */
  'centernet-sigmoid': {
    wants: 'three maps of one size: [1, classes, rows, columns] and twice [1, 2, rows, columns]',
    preprocessing: centernetPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 1,
    fit: centernet('sigmoid'),
  },
  /** The heatmap holds scores. */
  centernet: {
    wants: 'three maps of one size: [1, classes, rows, columns] and twice [1, 2, rows, columns]',
    preprocessing: centernetPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 1,
    fit: centernet('none'),
  },
} satisfies Record<string, Preset>;

export type HeadName = keyof typeof presets;

/** Presets by the names that the option `head` takes. */
export const headPresets: Readonly<Record<HeadName, Preset>> = presets;
export const headNames = Object.keys(presets) as HeadName[];
