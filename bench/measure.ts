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

let resolution: number | undefined;

/** The smallest step of this host's clock, in milliseconds: pages that are not isolated see steps of 0.1 to 1 ms. */
export function clockStep(): number {
  if (resolution !== undefined) return resolution;
  resolution = Infinity;
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    resolution = Math.min(resolution, now - start);
  }
  return resolution;
}

/** Milliseconds that have to be timed at once, so that the clock's steps are a small part of them. */
export const leastTimed = (): number => 20 * clockStep();

/** Number of calls that take about `ms`. The shortest of three tries counts, so that an interruption does not shorten batches. */
function callsFor(run: () => void, ms: number): number {
  let times = 1;
  for (;;) {
    const taken = Math.min(time(run, times), time(run, times), time(run, times));
    if (taken >= Math.max(ms / 8, leastTimed() / 4)) return Math.max(1, Math.ceil((times * ms) / taken));
    times *= 4;
  }
}

/** Milliseconds per call: one row per function, one column per round. */
export function measure(runs: readonly (() => void)[], { batchMs, batches }: Timing): number[][] {
  const calls = runs.map((run) => callsFor(run, Math.max(batchMs, leastTimed())));
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
