// Matches detections with objects, for one image and one category. pycocotools' COCOeval.evaluateImg.

import type { MaskRuns } from './mask-runs.ts';

/** Pixels: left, top, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];

export interface GroundTruthBox {
  readonly box: Box;
  /** Area of the object's outline in square pixels: it decides the object's size range. */
  readonly area: number;
  /** A group of objects in one box. Detections within it count neither as right nor as wrong. */
  readonly crowd: boolean;
  /** Not to be found: nothing of it is labelled. */
  readonly ignored?: boolean;
  /** COCO's keypoints: x, y and visibility of each. */
  readonly keypoints?: readonly number[];
  readonly mask?: MaskRuns;
}

export interface DetectedBox {
  readonly box: Box;
  readonly score: number;
  /** Square pixels; the box's, if not given. */
  readonly area?: number;
  /** x, y of each. */
  readonly keypoints?: readonly number[];
  readonly mask?: MaskRuns;
}

/** How far a detection and an object are the same, 0…1. */
export type Similarity = (detection: DetectedBox, object: GroundTruthBox) => number;

const boxSimilarity: Similarity = ({ box }, object) => intersectionOverUnion(box, object.box, object.crowd);

/** Square pixels; both ends are included. */
export interface AreaRange {
  readonly least: number;
  readonly most: number;
}

/**
 * Intersection over union of a detection and an object; 0 where they only touch. For a crowd, the intersection over the
 * *detection's* area.
 */
export function intersectionOverUnion(detection: Box, object: Box, crowd: boolean): number {
  const [dx, dy, dw, dh] = detection;
  const [gx, gy, gw, gh] = object;
  const width = Math.min(dx + dw, gx + gw) - Math.max(dx, gx);
  const height = Math.min(dy + dh, gy + gh) - Math.max(dy, gy);
  if (!(width > 0 && height > 0)) return 0;
  const intersection = width * height;
  return intersection / (crowd ? dw * dh : dw * dh + gw * gh - intersection);
}

/** Outcomes of the detections of one image and category, best score first. */
export interface Matches {
  readonly scores: readonly number[];
  /** Per IoU threshold, per detection. */
  readonly outcomes: readonly (readonly Outcome[])[];
  /** Number of objects to find: not crowds, and within the size range. */
  readonly objects: number;
}

/** `ignored` counts neither as right nor as wrong. */
export type Outcome = 'right' | 'wrong' | 'ignored';

/** The IoU of each of the best `most` detections (best first) with each object. */
export interface Overlaps {
  readonly detections: readonly DetectedBox[];
  readonly objects: readonly GroundTruthBox[];
  /** By detection, then object. */
  readonly ious: readonly (readonly number[])[];
}

export function overlaps(
  objects: readonly GroundTruthBox[],
  detections: readonly DetectedBox[],
  most: number,
  similarity: Similarity = boxSimilarity,
): Overlaps {
  const best = [...detections].sort((a, b) => b.score - a.score).slice(0, most); // stable: ties keep their order
  return {
    detections: best,
    objects,
    ious: best.map((detection) => objects.map((object) => similarity(detection, object))),
  };
}

/**
 * Matches each detection, best first, with the object it overlaps most, among those that no better one has taken. An
 * ignored object (a crowd, or outside `range`) is matched only when no other reaches the threshold, and its detection
 * is ignored too; a crowd can be matched many times. An unmatched detection outside `range` is ignored.
 */
export function matchDetections(
  { detections, objects, ious }: Overlaps,
  thresholds: readonly number[],
  range: AreaRange,
): Matches {
  const outside = (area: number) => area < range.least || area > range.most;
  const ignored = objects.map((object) => object.crowd || object.ignored || outside(object.area));
  const order = [...objects.keys()].sort((a, b) => Number(ignored[a]) - Number(ignored[b]));
  const outsideDetections = detections.map(({ box, area = box[2] * box[3] }) => outside(area));

  const outcomes = thresholds.map((threshold) => {
    const taken = objects.map(() => false);
    return detections.map((_, d): Outcome => {
      let iou = Math.min(threshold, 1 - 1e-10);
      let match = -1;
      for (const g of order) {
        if (taken[g] && !objects[g].crowd) continue;
        if (match >= 0 && !ignored[match] && ignored[g]) break;
        if (ious[d][g] < iou) continue; // when equal, the later object wins
        iou = ious[d][g];
        match = g;
      }
      if (match < 0) return outsideDetections[d] ? 'ignored' : 'wrong';
      taken[match] = true;
      return ignored[match] ? 'ignored' : 'right';
    });
  });
  return {
    scores: detections.map(({ score }) => score),
    outcomes,
    objects: ignored.filter((is) => !is).length,
  };
}
