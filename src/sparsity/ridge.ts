// How much of what calibration images say about a layer is to be believed.
import { defaultRidge } from './reconstruct.ts';
import type { GroupStatistics } from './statistics.ts';

/**
 * How strongly weights are held at their dense values, over the mean of their inputs' variances: as ever, but where there are hardly
 * more samples than weights of a row to fit, they would be fitted to the samples only. A layer behind a global pool reads one pixel of
 * each image: 64 images say little of its 1280 inputs.
 */
export function ridgeFor({ n, count }: Pick<GroupStatistics, 'n' | 'count'>): number {
  return Math.max(defaultRidge, (n / count) ** 2);
}
