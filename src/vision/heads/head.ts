import type { CenternetHead } from './centernet.ts';
import type { GflHead } from './gfl.ts';
import type { MediapipeFaceHead } from './mediapipe-face.ts';
import type { SsdHead } from './ssd.ts';
import type { YoloAnchorsHead } from './yolo-anchors.ts';
import type { YoloHead } from './yolo.ts';

/** `metadata.vision.head`: which head a detector has, and where in its outputs things lie. */
export type Head = MediapipeFaceHead | YoloHead | YoloAnchorsHead | GflHead | SsdHead | CenternetHead;

/** By the names that index.ts knows them by. */
export const headTypeNames = [
  'mediapipe-face',
  'yolo',
  'yolo-anchors',
  'gfl',
  'ssd',
  'centernet',
] as const satisfies readonly Head['type'][];
