// Timing. All compared functions take turns, batch by batch, so that other load on the machine affects all equally.

export interface Timing {
  /** Minimum length of a batch. */
  batchMs: number;
  batches: number;
  /** Time that a function runs before its first timing, so that the engine's optimising compiler finishes. */
  warmUpMs: number;
}

export const defaultTiming: Timing = { batchMs: 5, batches: 15, warmUpMs: 250 };

/** Milliseconds of `times` calls of `run`. */
function time(run: () => void, times: number): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) run();
  return performance.now() - start;
}

/** Runs at least this long, in growing numbers of calls. */
export function warmUp(run: () => void, ms: number): void {
  const end = performance.now() + ms;
  for (let times = 1; performance.now() < end; times = Math.min(2 * times, 64)) time(run, times);
}

/** Number of calls that take about `ms`. The shortest of three tries counts, so that an interruption does not shorten batches. */
function callsFor(run: () => void, ms: number): number {
  let times = 1;
  for (;;) {
    const taken = Math.min(time(run, times), time(run, times), time(run, times));
    if (taken >= ms / 8) return Math.max(1, Math.ceil((times * ms) / taken));
    times *= 4;
  }
}

/** Milliseconds per call: one row per function, one column per round. */
export function measure(runs: readonly (() => void)[], { batchMs, batches }: Timing): number[][] {
  const calls = runs.map((run) => callsFor(run, batchMs));
  const times: number[][] = runs.map(() => []);
  for (let round = 0; round < batches; round++) {
    for (const [i, run] of runs.entries()) times[i].push(time(run, calls[i]) / calls[i]);
  }
  return times;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
