// Non-maximum suppression: keeps one of the boxes that show the same thing.
import type { Candidates } from './candidates.ts';

export interface SuppressionOptions {
  /** Boxes that overlap a better one by more than this (intersection over union, 0…1) are suppressed. */
  iouThreshold: number;
  /** Maximum number of results. */
  maxResults: number;
  /** Whether boxes suppress only boxes of their own class. Default true. */
  perClass?: boolean;
  /** Number of candidates compared, best first: the work grows with its square. Default 3000. */
  maxCandidates?: number;
  /** How far candidates i and j are the same, 0…1, for `suppress`; the intersection over union of their boxes if not given. */
  overlap?: (candidates: Candidates, i: number, j: number) => number;
}

/**
 * Indices of the valid candidates, best first; equal scores stay in their order. Candidates with a NaN or infinite
 * number, or with negative width or height, are dropped.
 */
export function rankCandidates({ length, boxes, scores }: Candidates, most: number): number[] {
  const order: number[] = [];
  for (let i = 0; i < length; i++) {
    const xmin = boxes[4 * i];
    const ymin = boxes[4 * i + 1];
    const xmax = boxes[4 * i + 2];
    const ymax = boxes[4 * i + 3];
    const finite = Number.isFinite(xmin + ymin + xmax + ymax) && Number.isFinite(scores[i]);
    if (finite && xmax >= xmin && ymax >= ymin) order.push(i);
  }
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  if (order.length > most) order.length = most;
  return order;
}

/** Intersection over union of boxes i and j of n × (xmin, ymin, xmax, ymax); 0 when both are empty. */
export function intersectionOverUnion(boxes: Float32Array, i: number, j: number): number {
  const [a, b] = [4 * i, 4 * j];
  const width = Math.min(boxes[a + 2], boxes[b + 2]) - Math.max(boxes[a], boxes[b]);
  const height = Math.min(boxes[a + 3], boxes[b + 3]) - Math.max(boxes[a + 1], boxes[b + 1]);
  if (!(width > 0 && height > 0)) return 0;
  const intersection = width * height;
  return intersection / (boxArea(boxes, a) + boxArea(boxes, b) - intersection);
}

function boxArea(boxes: Float32Array, at: number): number {
  return (boxes[at + 2] - boxes[at]) * (boxes[at + 3] - boxes[at + 1]);
}

/** Greedy suppression. Returns indices into the candidates, best first. */
export function suppress(candidates: Candidates, options: SuppressionOptions): number[] {
  const { iouThreshold, maxResults, perClass = true, maxCandidates = 3000 } = options;
  const { boxes, classes } = candidates;
  const overlap = options.overlap ?? ((_, i, j) => intersectionOverUnion(boxes, i, j));
  const kept: number[] = [];
  /** The kept boxes of each class, best first: only those can suppress. */
  const rivals = new Map<number, number[]>();
  for (const i of rankCandidates(candidates, maxCandidates)) {
    if (kept.length >= maxResults) break;
    const classIndex = perClass && classes ? classes[i] : 0;
    let same = rivals.get(classIndex);
    if (!same) rivals.set(classIndex, (same = []));
    if (same.some((k) => overlap(candidates, k, i) > iouThreshold)) continue;
    kept.push(i);
    same.push(i);
  }
  return kept;
}

/**
 * Weighted suppression (MediaPipe's NonMaxSuppressionCalculator, algorithm WEIGHTED; BlazeFace, arXiv 1907.05047,
 * section 3.2): the best box and those that overlap it become one. Its corners and keypoints are their means weighted
 * by score; its score is the best one's. Returns the merged candidates, best first.
 */
export function suppressWeighted(candidates: Candidates, options: SuppressionOptions): Candidates {
  const { iouThreshold, maxResults, perClass = true, maxCandidates = 3000 } = options;
  const { boxes, scores, classes, keypoints, keypointCount } = candidates;
  const clusters: number[][] = [];
  let remaining = rankCandidates(candidates, maxCandidates);
  while (remaining.length > 0 && clusters.length < maxResults) {
    const best = remaining[0];
    const cluster: number[] = [best]; // an empty box overlaps nothing, not even itself, but is its own cluster
    const others: number[] = [];
    for (const i of remaining.slice(1)) {
      const sameThing = !perClass || !classes || classes[i] === classes[best];
      (sameThing && intersectionOverUnion(boxes, i, best) > iouThreshold ? cluster : others).push(i);
    }
    clusters.push(cluster);
    remaining = others;
  }
  const mean = (values: Float32Array, width: number) =>
    Float32Array.from({ length: clusters.length * width }, (_, at) => {
      const cluster = clusters[Math.floor(at / width)];
      let sum = 0;
      let weight = 0;
      for (const i of cluster) {
        sum += scores[i] * values[i * width + (at % width)];
        weight += scores[i];
      }
      return weight > 0 ? sum / weight : values[cluster[0] * width + (at % width)];
    });
  return {
    length: clusters.length,
    boxes: mean(boxes, 4),
    scores: Float32Array.from(clusters, ([best]) => scores[best]),
    ...(classes && { classes: Int32Array.from(clusters, ([best]) => classes[best]) }),
    ...(keypoints && { keypoints: mean(keypoints, 2 * keypointCount) }),
    keypointCount,
  };
}
