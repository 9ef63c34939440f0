// What a detector finds.
import type { Mask } from './mask.ts';

export interface Keypoint {
  name: string;
  /** Source-image pixels; may lie outside the image. */
  x: number;
  y: number;
  /** How sure the model is that it can be seen there, 0…1, where it says so. */
  score?: number;
}

export interface Detection {
  label: string;
  classIndex: number;
  /** Score, 0…1. */
  score: number;
  /** Source-image pixels, within the image; with an angle it may reach beyond. */
  box: { xmin: number; ymin: number; xmax: number; ymax: number };
  /** Of models of oriented boxes: radians, clockwise, by which the box is turned about its centre. */
  angle?: number;
  keypoints?: Keypoint[];
  /** Of models of masks: which pixels of the box show the object. */
  mask?: Mask;
}

export interface DetectionResult {
  /** Best first. */
  detections: Detection[];
  /** ms. */
  speed: { preprocess: number; inference: number; postprocess: number };
}
