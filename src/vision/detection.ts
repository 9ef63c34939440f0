// What a detector finds.

export interface Keypoint {
  name: string;
  /** Source-image pixels; may lie outside the image. */
  x: number;
  y: number;
}

export interface Detection {
  label: string;
  classIndex: number;
  /** Score, 0…1. */
  score: number;
  /** Source-image pixels, within the image. */
  box: { xmin: number; ymin: number; xmax: number; ymax: number };
  keypoints?: Keypoint[];
}

export interface DetectionResult {
  /** Best first. */
  detections: Detection[];
  /** ms. */
  speed: { preprocess: number; inference: number; postprocess: number };
}
