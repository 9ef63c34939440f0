// COCO's mean average precision and recall of boxes, masks or keypoints, as pycocotools computes them (cocoeval.py, COCOeval of 'bbox').
// https://cocodataset.org/#detection-eval
import {
  matchDetections,
  overlaps,
  type AreaRange,
  type DetectedBox,
  type GroundTruthBox,
  type Matches,
  type Outcome,
  type Similarity,
} from './match.ts';

export interface GroundTruth extends GroundTruthBox {
  readonly image: number;
  readonly category: number;
}

export interface ScoredDetection extends DetectedBox {
  readonly image: number;
  readonly category: number;
}

/**
 * Means over categories, 0…1; −1 where no category has an object to find. The best 100 detections of each image and
 * category count; only the best one for `ar1`, the best ten for `ar10`.
 */
export interface CocoMetrics {
  /** Mean over the ten IoU thresholds .50, .55 … .95. */
  ap: number;
  ap50: number;
  ap75: number;
  /** Objects of less than 32², 32² to 96², and more than 96² pixels. */
  apSmall: number;
  apMedium: number;
  apLarge: number;
  /** Recall: mean over the ten thresholds. */
  ar1: number;
  ar10: number;
  ar100: number;
  arSmall: number;
  arMedium: number;
  arLarge: number;
}

/** NumPy's linspace, bit for bit: a recall that equals a point must compare equal to it. */
function linspace(first: number, last: number, count: number): number[] {
  const step = (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? last : i * step + first));
}

export const iouThresholds: readonly number[] = linspace(0.5, 0.95, 10);
const recallPoints = linspace(0, 1, 101);
const areaRanges = {
  all: { least: 0, most: 1e5 ** 2 },
  small: { least: 0, most: 32 ** 2 },
  medium: { least: 32 ** 2, most: 96 ** 2 },
  large: { least: 96 ** 2, most: 1e5 ** 2 },
} satisfies Record<string, AreaRange>;
const maxDetections = 100;

/** What is compared: how, and how many detections of an image count. */
export interface Comparison {
  readonly similarity?: Similarity;
  readonly most?: number;
}

/**
 * COCO's twelve metrics.
 *
 * Detections of equal score keep their given order within an image; images go by ascending id. Annotations and
 * detections whose image or category is not listed are left out. (One difference from pycocotools: there, an annotation
 * with the id 0 can never be found; ids do not matter here.)
 * @param images ids of the images that were evaluated
 * @param categories ids of the categories to average over
 */
export function cocoMetrics(
  groundTruth: readonly GroundTruth[],
  detections: readonly ScoredDetection[],
  images: readonly number[],
  categories: readonly number[],
  { similarity, most: mostDetections = maxDetections }: Comparison = {},
): CocoMetrics {
  const imageIds = [...new Set(images)].sort((a, b) => a - b);
  const objectsOf = grouped(groundTruth);
  const detectionsOf = grouped(detections);
  const found = [...new Set(categories)].map((category) =>
    imageIds.flatMap((image) => {
      const key = groupKey(image, category);
      const objects = objectsOf.get(key) ?? [];
      const boxes = detectionsOf.get(key) ?? [];
      return objects.length + boxes.length > 0 ? [overlaps(objects, boxes, mostDetections, similarity)] : [];
    }),
  );
  const figures = (range: AreaRange, most: number) => {
    const curves = found
      .map((perImage) => perImage.map((pairs) => matchDetections(pairs, iouThresholds, range)))
      .map((matches) => precisionRecall(matches, most))
      .filter((curve) => curve !== undefined);
    return {
      ap: mean(curves.flatMap((perThreshold) => perThreshold.map(({ precision }) => precision))),
      ar: mean(curves.flatMap((perThreshold) => perThreshold.map(({ recall }) => recall))),
      apAt: (threshold: number) => mean(curves.map((perThreshold) => perThreshold[threshold].precision)),
    };
  };
  const [all, small, medium, large] = (['all', 'small', 'medium', 'large'] as const).map((size) =>
    figures(areaRanges[size], mostDetections),
  );
  return {
    ap: all.ap,
    ap50: all.apAt(0),
    ap75: all.apAt(5),
    apSmall: small.ap,
    apMedium: medium.ap,
    apLarge: large.ap,
    ar1: figures(areaRanges.all, 1).ar,
    ar10: figures(areaRanges.all, 10).ar,
    ar100: all.ar,
    arSmall: small.ar,
    arMedium: medium.ar,
    arLarge: large.ar,
  };
}

/** Per IoU threshold, over all images, with the best `most` detections of each; undefined without an object to find. */
function precisionRecall(
  images: readonly Matches[],
  most: number,
): { precision: number; recall: number }[] | undefined {
  const objects = images.reduce((sum, image) => sum + image.objects, 0);
  if (objects === 0) return undefined;
  const ranked = images.flatMap(({ scores }, image) =>
    scores.slice(0, most).map((score, rank) => ({ score, image, rank })),
  );
  ranked.sort((a, b) => b.score - a.score); // stable
  return iouThresholds.map((_, threshold) => {
    const outcomes = ranked.map(({ image, rank }) => images[image].outcomes[threshold][rank]);
    return averagePrecision(outcomes, objects);
  });
}

/**
 * Area under the precision-recall curve of ranked detections, best first: the mean, over the 101 recalls 0, .01 … 1, of
 * the best precision at that recall or a higher one (0 where that recall is not reached).
 */
export function averagePrecision(outcomes: readonly Outcome[], objects: number): { precision: number; recall: number } {
  const precisions: number[] = [];
  const recalls: number[] = [];
  let right = 0;
  let wrong = 0;
  for (const outcome of outcomes) {
    if (outcome === 'right') right++;
    if (outcome === 'wrong') wrong++;
    precisions.push(right === 0 ? 0 : right / (right + wrong));
    recalls.push(right / objects);
  }
  for (let i = precisions.length - 1; i > 0; i--) {
    precisions[i - 1] = Math.max(precisions[i - 1], precisions[i]);
  }
  let sum = 0;
  let rank = 0;
  for (const point of recallPoints) {
    while (rank < recalls.length && recalls[rank] < point) rank++;
    if (rank === recalls.length) break;
    sum += precisions[rank];
  }
  return { precision: sum / recallPoints.length, recall: recalls.at(-1) ?? 0 };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

const groupKey = (image: number, category: number) => `${image} ${category}`;

function grouped<T extends { readonly image: number; readonly category: number }>(items: readonly T[]) {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = groupKey(item.image, item.category);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
