// The kernel benchmark, for every host: `npm run bench` (kernels.ts) and the page in examples/bench.
import type { RawKernels } from '../src/kernels.ts';
import { defaultTiming, type Timing } from './measure.ts';
import { peakOf, type Peak, type PeakSample } from './peak.ts';
import type { NetworkShape } from './shapes.ts';
import { describeContest, planContests, rate, runContest, thinContests } from './suite.ts';
import type { Measurement, Result } from './suite.ts';
import { summarise, type KernelSummary } from './summary.ts';

export interface KernelBenchmark {
  /** Few layers of each kind and few densities. */
  quick?: boolean;
  /** Only kernels whose names match. */
  filter?: RegExp;
  layers: readonly NetworkShape[];
  timing?: Timing;
  /** Called before each contest, and waited for. */
  onProgress?: (done: number, total: number, what: string) => void | Promise<void>;
}

export interface KernelResults {
  timing: Timing;
  peak: Peak;
  results: Result[];
  summary: KernelSummary[];
}

const densities = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1];
const quickDensities = [0.1, 0.3, 0.5, 1];
const quickLayers = 3;

/**
 * Times every kernel at the layers that it fits, and the machine's peak before, between and after.
 * @param loops see peakLoops
 * @throws Error when no kernel matches or no layer fits
 */
export async function benchmarkKernels(
  kernels: RawKernels,
  loops: () => PeakSample,
  { quick = false, filter, layers, timing = defaultTiming, onProgress }: KernelBenchmark,
): Promise<KernelResults> {
  const all = planContests(layers, quick ? quickDensities : densities, filter);
  const contests = quick ? thinContests(all, quickLayers) : all;
  if (!contests.length) throw new Error(`no kernel matches ${filter} and fits one of ${layers.length} layers`);
  const samples = [loops()];
  const warm = new Set<never>();
  const measurements: Measurement[] = [];
  for (const [i, contest] of contests.entries()) {
    if (i > 0 && i === contests.length >> 1) samples.push(loops());
    await onProgress?.(i, contests.length, describeContest(contest));
    measurements.push(...runContest(kernels, contest, timing, warm));
  }
  samples.push(loops());
  const peak = peakOf(samples);
  const results = measurements.map((measurement) => rate(measurement, peak));
  return { timing, peak, results, summary: summarise(results) };
}
