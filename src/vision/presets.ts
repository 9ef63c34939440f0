// The families of detection networks that people export, each with what its makers' own code does before and after the
// network. A preset looks whether a model's outputs can be its own.
import { normalization } from './preprocessing.ts';
import { centernet, centernetPreprocessing } from './presets/centernet.ts';
import { nanodet, picodet } from './presets/nanodet.ts';
import type { Preset } from './presets/preset.ts';
import { ssd, ssdCorners, ssdPreprocessing } from './presets/ssd.ts';
import { ultralyticsPreprocessing, yoloAnchors, yoloMaps, yolov5, yolov8, yolov8Dfl } from './presets/ultralytics.ts';
import { endToEnd, yoloObb, yoloSeg, yolov5Face, yolov7Pose, yolov8Pose } from './presets/ultralytics-tasks.ts';
import { yolox, yoloxPreprocessing } from './presets/yolox.ts';

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
  /** YOLO11 and YOLO12 too, and YOLO26 without its own choice of objects. */
  yolov8: {
    wants: 'an output [1, 4 + classes, cells] or [1, cells, 4 + classes]',
    words: /yolo-?(v8|v9|v?11|v?12)/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.7,
    fit: yolov8,
  },
  /** YOLO11 and YOLO26 too, and yolov8-face. */
  'yolov8-pose': {
    wants: 'an output [1, 4 + classes + keypoints · 3, cells] or [1, cells, 4 + classes + keypoints · 3]',
    task: 'pose',
    words: /pose|yolo-?v8-?(lite-?\w-?)?face/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.7,
    fit: yolov8Pose,
  },
  /** YOLOv5 and all later ones. */
  'yolo-seg': {
    wants:
      'an output [1, 4 + classes + prototypes, cells] and one of prototypes, [1, prototypes, rows, columns], at a quarter ' +
      "of the input's size",
    task: 'segment',
    words: /seg/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.7,
    fit: yoloSeg,
  },
  /** Oriented boxes. */
  'yolo-obb': {
    wants: 'an output [1, 4 + classes + 1, cells] or [1, cells, 4 + classes + 1]',
    task: 'obb',
    words: /obb/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.7,
    fit: yoloObb,
  },
  /** YOLO26 and YOLOv10, and Ultralytics' exports with `nms=True`; of any task. */
  'end-to-end': {
    wants: 'an output [1, objects, 6], with keypoints, coefficients of masks or an angle behind the six numbers',
    words: /yolo-?v?(26|10)/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 1,
    fit: endToEnd,
  },
  'yolov8-dfl': {
    wants: 'an output [1, 64 + classes, cells] or maps [1, 64 + classes, rows, columns] for all strides',
    yieldsTo: 'yolov8',
    words: /yolo-?(v8|v9|v?11|v?12)/i,
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
  /** deepcam's yolov5-face. */
  'yolov5-face': {
    wants: 'an output [1, 3 · cells, 5 + 10 + classes]',
    words: /yolo-?v5-?face/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 0.5,
    fit: yolov5Face,
  },
  /** yolov7-face too. */
  'yolov7-pose': {
    wants: 'an output [1, 3 · cells, 5 + classes + keypoints · 3]',
    words: /yolo-?v7.*(pose|face)/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.45,
    fit: yolov7Pose,
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
  /** As Paddle2ONNX exports it, without post-processing. */
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
  /** Scores are logits, classes independent of each other. */
  'ssd-sigmoid': {
    wants: 'two outputs, [1, anchors, 4] and [1, anchors, 1 + classes], with the anchors of an SSD MobileNet',
    preprocessing: ssdPreprocessing,
    scoreThreshold: 0.5,
    iouThreshold: 0.6,
    fit: ssd('sigmoid'),
  },
  /** Scores are logits, one class of all. */
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

/** By the names that the option `head` takes. */
export const headPresets: Readonly<Record<HeadName, Preset>> = presets;
export const headNames = Object.keys(presets) as HeadName[];
