import type { CenternetHead } from './centernet.ts';
import type { EndToEndHead } from './end-to-end.ts';
import type { GflHead } from './gfl.ts';
import type { MediapipeHead } from './mediapipe.ts';
import type { SsdHead } from './ssd.ts';
import type { FastestDetHead, YoloFastestHead } from './yolo-fastest.ts';
import type { FomoHead } from './fomo.ts';
import type { MovenetHead } from './movenet.ts';
import type { PriorBoxesHead } from './prior-boxes.ts';
import type { ScrfdHead } from './scrfd.ts';
import type { YoloPoseMapsHead } from './yolo-pose-maps.ts';
import type { YunetHead } from './yunet.ts';
import type { YoloAnchorsHead } from './yolo-anchors.ts';
import type { YoloObbHead } from './yolo-obb.ts';
import type { YoloPoseHead } from './yolo-pose.ts';
import type { YoloSegHead } from './yolo-seg.ts';
import type { YoloHead } from './yolo.ts';

/** `metadata.vision.head`: which head a detector has, and where in its outputs things lie. */
export type Head =
  | MediapipeHead
  | YoloHead
  | YoloPoseHead
  | YoloSegHead
  | YoloObbHead
  | EndToEndHead
  | YoloAnchorsHead
  | GflHead
  | SsdHead
  | CenternetHead
  | FastestDetHead
  | YoloFastestHead
  | FomoHead
  | MovenetHead
  | PriorBoxesHead
  | ScrfdHead
  | YoloPoseMapsHead
  | YunetHead;

/** By the names that index.ts knows them by. */
export const headTypeNames = [
  'mediapipe',
  'yolo',
  'yolo-pose',
  'yolo-seg',
  'yolo-obb',
  'end-to-end',
  'yolo-anchors',
  'gfl',
  'ssd',
  'centernet',
  'fastestdet',
  'yolo-fastest',
  'fomo',
  'movenet',
  'prior-boxes',
  'scrfd',
  'yolo-pose-maps',
  'yunet',
] as const satisfies readonly Head['type'][];
