// Object keypoint similarity, what IoU is to boxes. pycocotools' COCOeval.computeOks. https://cocodataset.org/#keypoints-eval
import type { Box } from './match.ts';

/** How far people place each of COCO's 17 keypoints from each other, over the root of the object's area. */
const sigmas = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89].map((v) => v / 1000);

/** Keypoints that can be compared: as many as COCO's. */
export const cocoKeypoints = sigmas.length;

/**
 * 0…1.
 * @param detection x, y of each keypoint
 * @param object x, y and visibility of each; those of 0 are not labelled
 */
export function keypointSimilarity(
  detection: readonly number[],
  { keypoints, box, area }: { readonly keypoints: readonly number[]; readonly box: Box; readonly area: number },
): number {
  const labelled = sigmas.some((_, k) => keypoints[3 * k + 2] > 0);
  const [left, top, width, height] = box;
  let sum = 0;
  let count = 0;
  sigmas.forEach((sigma, k) => {
    if (labelled && !(keypoints[3 * k + 2] > 0)) return;
    const [x, y] = [detection[2 * k], detection[2 * k + 1]];
    // where nothing is labelled: how far outside of twice the box
    const dx = labelled ? x - keypoints[3 * k] : Math.max(0, left - width - x) + Math.max(0, x - (left + 2 * width));
    const dy = labelled
      ? y - keypoints[3 * k + 1]
      : Math.max(0, top - height - y) + Math.max(0, y - (top + 2 * height));
    sum += Math.exp(-(dx * dx + dy * dy) / (2 * sigma) ** 2 / (area + Number.EPSILON) / 2);
    count++;
  });
  return count > 0 ? sum / count : 0;
}
