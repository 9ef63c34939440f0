// Average precision of what detections have besides their boxes.
import type { Detection } from '../vision/detection.ts';
import type { CocoMetrics, Comparison, GroundTruth, ScoredDetection } from './average-precision.ts';
import { cocoKeypoints, keypointSimilarity } from './keypoint-similarity.ts';
import { maskOverlap, runsArea, runsOfMask } from './mask-runs.ts';
import type { DetectedBox } from './match.ts';

/** Absent where the model or the data set has none. */
export interface MoreMetrics {
  /** By object keypoint similarity, the best 20 detections of an image. */
  keypoints?: CocoMetrics;
  masks?: CocoMetrics;
}

export type Measure = (
  objects: readonly GroundTruth[],
  detections: readonly ScoredDetection[],
  comparison?: Comparison,
) => CocoMetrics;

/** A detection as the metrics take it. */
export function detectedOf({ box, score, keypoints, mask }: Detection, imageHeight: number): DetectedBox {
  const { xmin, ymin, xmax, ymax } = box;
  return {
    box: [xmin, ymin, xmax - xmin, ymax - ymin],
    score,
    ...(keypoints?.length === cocoKeypoints && { keypoints: keypoints.flatMap(({ x, y }) => [x, y]) }),
    ...(mask && { mask: runsOfMask(mask, imageHeight) }),
  };
}

export function moreMetrics(
  objects: readonly GroundTruth[],
  detections: readonly ScoredDetection[],
  measure: Measure,
): MoreMetrics {
  const has = (part: 'keypoints' | 'mask') =>
    objects.some((object) => object[part]) && detections.some((detection) => detection[part]);
  return {
    ...(has('keypoints') && {
      keypoints: measure(
        objects.filter(({ keypoints }) => keypoints),
        detections.map((detection) => ({ ...detection, area: areaAround(detection.keypoints ?? []) })),
        {
          most: 20,
          similarity: ({ keypoints }, object) =>
            keypoints && object.keypoints
              ? keypointSimilarity(keypoints, { ...object, keypoints: object.keypoints })
              : 0,
        },
      ),
    }),
    ...(has('mask') && {
      masks: measure(
        objects.filter(({ mask }) => mask).map((object) => ({ ...object, ignored: false })),
        detections.map((detection) => ({ ...detection, area: detection.mask && runsArea(detection.mask) })),
        { similarity: ({ mask }, object) => (mask && object.mask ? maskOverlap(mask, object.mask, object.crowd) : 0) },
      ),
    }),
  };
}

/** Of the rectangle around keypoints, as pycocotools has the area of a pose. */
function areaAround(keypoints: readonly number[]): number {
  const [xs, ys] = [0, 1].map((axis) => keypoints.filter((_, i) => i % 2 === axis));
  return (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
}
