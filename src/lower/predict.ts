// Work → milliseconds, and the fastest of several ways.
import type { CostModel, OperationCounts } from './cost-model.ts';
import type { Candidate } from './lowering.ts';

/** Milliseconds of work. */
export function predict(work: OperationCounts, { costs, peak }: CostModel): number {
  const { other } = costs;
  const units = work.reduce((sum, { kernel, count, times }) => {
    return sum + times * ((costs[kernel] ?? other)[count] ?? 0);
  }, 0);
  return units * unitMs(peak);
}

/** Minimum predicted gain of sparse kernels over dense. Predictions are not more accurate than this, so a smaller gain may be a loss. */
export const minSparseGain = 0.08;

/** The candidate predicted to be fastest: dense, unless a sparse one is clearly faster. */
export function fastest(candidates: readonly Candidate[]): string {
  const cost = ({ ms, isDense }: Candidate) => (isDense ? (1 - minSparseGain) * ms : ms);
  return candidates.reduce((best, candidate) => (cost(candidate) < cost(best) ? candidate : best)).name;
}

/** Milliseconds of a vector multiply-add at peak. */
export function unitMs(peak: number): number {
  return 8 / (peak * 1e6);
}
