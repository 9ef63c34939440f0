// The families of detection networks that people export, each with what its makers' own code does before and after the
// network. A preset looks whether a model's outputs can be its own.
import type { HeadName } from './head-names.ts';
import { normalization } from './preprocessing.ts';
import { centernet, centernetPreprocessing } from './presets/centernet.ts';
import { retinaface, scrfd, ultraface, yunet, yunetPriors } from './presets/faces.ts';
import { nanodet, picodet } from './presets/nanodet.ts';
import type { Preset } from './presets/preset.ts';
import { fastestDet, fomo, movenet, yoloFastest } from './presets/small.ts';
import { ssd, ssdCorners, ssdPreprocessing } from './presets/ssd.ts';
import { ultralyticsPreprocessing, yoloAnchors, yoloMaps, yolov5, yolov8, yolov8Dfl } from './presets/ultralytics.ts';
import {
  endToEnd,
  yoloObb,
  yoloSeg,
  yolov5Face,
  yolov5FaceMaps,
  yolov7Pose,
  yolov8Pose,
  yolov8PoseMaps,
} from './presets/ultralytics-tasks.ts';
import { yolox, yoloxPreprocessing } from './presets/yolox.ts';

const ultrafacePreprocessing: Preset['preprocessing'] = {
  resize: 'stretch',
  padValue: 0,
  ...normalization([127, 127, 127], [128, 128, 128]),
  order: 'RGB',
};

const yunetPreprocessing: Preset['preprocessing'] = {
  resize: 'letterbox-top-left',
  padValue: 0,
  scale: [1, 1, 1],
  offset: [0, 0, 0],
  order: 'BGR',
};

const fastestPreprocessing: Preset['preprocessing'] = {
  resize: 'stretch',
  padValue: 0,
  ...normalization([0, 0, 0], [255, 255, 255]),
  order: 'BGR',
};

const yoloWants = 'an output [1, cells, 5 + classes]';

/** Presets by the names that the option `head` takes, in the order of `headNames`. */
export const headPresets: Readonly<Record<HeadName, Preset>> = {
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
    words: /yolo-?(v8|v9|v?10|v?11|v?12|v?26)/i,
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
  /** yolov8-face, often. */
  'yolov8-pose-maps': {
    wants: 'maps [1, 64 + classes + keypoints · 3, rows, columns] for all strides',
    task: 'pose',
    words: /pose|yolo-?v8-?(lite-?\w-?)?face/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.25,
    iouThreshold: 0.5,
    fit: yolov8PoseMaps,
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
  /** deepcam's yolov5-face. */
  'yolov5-face': {
    wants: 'an output [1, 3 · cells, 5 + 10 + classes]',
    words: /yolo-?v5-?face/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 0.5,
    fit: yolov5Face,
  },
  /** The same before decoding. */
  'yolov5-face-maps': {
    wants:
      'maps [1, 3, rows, columns, 5 + 10 + classes] or [1, 3 · (5 + 10 + classes), rows, columns] for strides 8, 16 and 32',
    yieldsTo: 'yolov5-face',
    words: /yolo-?v5-?face/i,
    preprocessing: ultralyticsPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 0.5,
    fit: yolov5FaceMaps,
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
  /** Boxes are decoded: Linzaer's own export. */
  ultraface: {
    wants: 'two outputs, [1, anchors, 2] and [1, anchors, 4], with the anchors of UltraFace',
    preprocessing: ultrafacePreprocessing,
    scoreThreshold: 0.7,
    iouThreshold: 0.3,
    fit: ultraface(true),
  },
  /** The export without post-processing. */
  'ultraface-undecoded': {
    wants: 'two outputs, [1, anchors, 2] and [1, anchors, 4], with the anchors of UltraFace',
    preprocessing: ultrafacePreprocessing,
    scoreThreshold: 0.7,
    iouThreshold: 0.3,
    fit: ultraface(false),
  },
  /** biubug6's Pytorch_Retinaface and what learned from it. */
  retinaface: {
    wants: 'outputs [1, anchors, 4], [1, anchors, 2] and [1, anchors, 10], or one of all 16',
    words: /retina-?face/i,
    preprocessing: {
      resize: 'letterbox-top-left',
      padValue: 0,
      ...normalization([104, 117, 123], [1, 1, 1]),
      order: 'BGR',
    },
    scoreThreshold: 0.5,
    iouThreshold: 0.4,
    fit: retinaface,
  },
  /** Of 2023, in OpenCV's zoo. */
  yunet: {
    wants: 'outputs [1, cells, 1], [1, cells, 1], [1, cells, 4] and [1, cells, 10] for strides 8, 16 and 32',
    words: /yunet/i,
    preprocessing: yunetPreprocessing,
    scoreThreshold: 0.6,
    iouThreshold: 0.3,
    fit: yunet,
  },
  /** Of 2021 and 2022. */
  'yunet-2022': {
    wants: 'outputs [anchors, 14], [anchors, 2] and [anchors, 1], with the anchors of YuNet',
    words: /yunet/i,
    preprocessing: yunetPreprocessing,
    scoreThreshold: 0.6,
    iouThreshold: 0.3,
    fit: yunetPriors,
  },
  /** InsightFace's. */
  scrfd: {
    wants: 'outputs [1, anchors, 1] and [1, anchors, 4], perhaps [1, anchors, 10], for strides 8, 16 and 32',
    words: /scrfd/i,
    preprocessing: {
      resize: 'letterbox-top-left',
      padValue: 0,
      ...normalization([127.5, 127.5, 127.5], [128, 128, 128]),
      order: 'RGB',
    },
    scoreThreshold: 0.5,
    iouThreshold: 0.4,
    fit: scrfd,
  },
  fastestdet: {
    wants: 'an output [1, 5 + classes, rows, columns] for stride 16',
    words: /fastest-?det/i,
    preprocessing: fastestPreprocessing,
    scoreThreshold: 0.5,
    iouThreshold: 0.45,
    fit: fastestDet,
  },
  /** Yolo-FastestV2, with the anchors of COCO. */
  'yolo-fastest': {
    wants: 'outputs [1, rows, columns, 15 + classes] for strides 16 and 32, or one [cells, 15 + classes]',
    words: /fastest-?v2/i,
    preprocessing: fastestPreprocessing,
    scoreThreshold: 0.3,
    iouThreshold: 0.4,
    fit: yoloFastest,
  },
  /** Edge Impulse's. The image is cut to the input's shape there; here it is stretched. */
  fomo: {
    wants: 'an output [1, rows, columns, 1 + classes] at an eighth or a sixteenth of the input',
    onlyWhenNamed: true,
    preprocessing: { resize: 'stretch', padValue: 0, ...normalization([0, 0, 0], [255, 255, 255]), order: 'RGB' },
    scoreThreshold: 0.5,
    iouThreshold: 1,
    fit: fomo,
  },
  /** Of one person or of several. */
  movenet: {
    wants: 'an output [1, 1, 17, 3] or [1, people, 56]',
    preprocessing: { resize: 'letterbox', padValue: 0, scale: [1, 1, 1], offset: [0, 0, 0], order: 'RGB' },
    scoreThreshold: 0.25,
    iouThreshold: 1,
    fit: movenet,
  },
};
