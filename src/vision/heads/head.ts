import type { CenternetHead } from './centernet.ts';
import type { EndToEndHead } from './end-to-end.ts';
import type { GflHead } from './gfl.ts';
import type { MediapipeFaceHead } from './mediapipe-face.ts';
import type { SsdHead } from './ssd.ts';
import type { YoloAnchorsHead } from './yolo-anchors.ts';
import type { YoloObbHead } from './yolo-obb.ts';
import type { YoloPoseHead } from './yolo-pose.ts';
import type { YoloSegHead } from './yolo-seg.ts';
import type { YoloHead } from './yolo.ts';

/** `metadata.vision.head`: which head a detector has, and where in its outputs things lie. */
export type Head =
  | MediapipeFaceHead
  | YoloHead
  | YoloPoseHead
  | YoloSegHead
  | YoloObbHead
  | EndToEndHead
  | YoloAnchorsHead
  | GflHead
  | SsdHead
  | CenternetHead;

/** By the names that index.ts knows them by. */
export const headTypeNames = [
  'mediapipe-face',
  'yolo',
  'yolo-pose',
  'yolo-seg',
  'yolo-obb',
  'end-to-end',
  'yolo-anchors',
  'gfl',
  'ssd',
  'centernet',
] as const satisfies readonly Head['type'][];
