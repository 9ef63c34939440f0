// Runs kernels against each other at the shapes of networks.
import type { RawKernels } from '../src/kernels.ts';
import { kernelNames, kernels as registry } from '../src/kernels.ts';
import type { KernelName } from '../src/kernels.ts';
import { cases } from './cases.ts';
import type { Workload } from './cases.ts';
import { measure, median, warmUp } from './measure.ts';
import type { Timing } from './measure.ts';
import { copyBandwidth } from './peak.ts';
import type { Peak } from './peak.ts';
import type { NetworkShape } from './shapes.ts';
import { describeShape } from './shapes.ts';

/** A kernel's times at one layer and density. */
export interface Measurement {
  kernel: KernelName;
  family: string;
  contest: string;
  encoding: 'sparse' | 'dense';
  layer: NetworkShape;
  /** Density of the weights: nonzeros over all. 1 for kernels without weights or with dense ones. */
  density: number;
  macs: number;
  effectiveMacs: number;
  operations: number;
  bytes: number;
  /** Per call: median and minimum of all batches. */
  ms: number;
  bestMs: number;
  /** The fastest dense kernel of the contest in the same loop; absent if only one kernel does this work. */
  bestDense?: { kernel: KernelName; ms: number };
  /** The median over rounds of the best dense kernel's time over this one's. */
  speedup?: number;
}

export interface Result extends Measurement {
  /** GFLOP/s on nonzeros. Absent for kernels that only move data. */
  gflops?: number;
  /** Bytes read and written, each once, over time. */
  gbps: number;
  /** Share of the arithmetic peak; for kernels without multiply-accumulates, of the GB/s of a copy loop over as many bytes. */
  shareOfPeak: number;
}

/** One layer and the kernels that compete in it. */
export interface Contest {
  name: string;
  layer: NetworkShape;
  kernels: KernelName[];
  /** Those of `kernels` to report; the others are for comparison. */
  reported: KernelName[];
  densities: readonly number[];
}

/** The contests that kernels matching `filter` take part in, family by family. */
export function planContests(layers: readonly NetworkShape[], densities: readonly number[], filter = /./): Contest[] {
  const contests: Contest[] = [];
  for (const name of new Set(kernelNames.map((kernel) => cases[kernel].contest))) {
    for (const layer of layers) {
      const kernels = kernelNames.filter((kernel) => cases[kernel].contest === name && cases[kernel].fits(layer));
      const reported = kernels.filter((kernel) => filter.test(kernel));
      if (!reported.length) continue;
      const isSparse = reported.some((kernel) => cases[kernel].encoding === 'sparse');
      const taking = kernels.filter((kernel) => reported.includes(kernel) || cases[kernel].encoding === 'dense');
      contests.push({ name, layer, kernels: taking, reported, densities: isSparse ? densities : [1] });
    }
  }
  return contests;
}

/** At most `most` contests of each kind of layer, from its smallest to its largest. */
export function thinContests(contests: readonly Contest[], most: number): Contest[] {
  const kinds = new Map<string, Contest[]>();
  for (const contest of contests) {
    const { op, kernel, stride } = contest.layer;
    const kind = `${contest.name} ${op} ${kernel} ${stride}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), contest]);
  }
  const size = ({ layer }: Contest) => layer.inputs * layer.outputs * layer.height * layer.width;
  const kept = [...kinds.values()].flatMap((kind) => {
    if (kind.length <= most) return kind;
    const sorted = kind.toSorted((a, b) => size(a) - size(b));
    return Array.from({ length: most }, (_, i) => sorted[Math.round((i * (kind.length - 1)) / Math.max(most - 1, 1))]);
  });
  return contests.filter((contest) => kept.includes(contest));
}

/** Kernels that have run long enough for the optimising compiler. */
export type Warm = Set<KernelName>;

interface Entrant {
  kernel: KernelName;
  work: Workload;
  /** Milliseconds a call, round by round. */
  times: number[];
}

function enter(kernels: RawKernels, { layer, kernels: names }: Contest, density: number, timing: Timing, warm: Warm) {
  kernels.reset();
  const entrants: Entrant[] = names.map((kernel) => {
    return { kernel, work: cases[kernel].build(kernels, layer, density), times: [] };
  });
  for (const { kernel, work } of entrants) {
    warmUp(work.run, warm.has(kernel) ? timing.batchMs / 2 : timing.warmUpMs);
    warm.add(kernel);
  }
  measure(
    entrants.map(({ work }) => work.run),
    timing,
  ).forEach((times, i) => (entrants[i].times = times));
  return entrants;
}

/** The dense entrant with the lowest median. */
function bestDenseOf(entrants: readonly Entrant[]): Entrant | undefined {
  const dense = entrants.filter(({ kernel }) => cases[kernel].encoding === 'dense');
  return dense.toSorted((a, b) => median(a.times) - median(b.times))[0];
}

function toMeasurement(entrant: Entrant, { name, layer }: Contest, density: number, dense?: Entrant): Measurement {
  const { kernel, times } = entrant;
  const { macs, effectiveMacs, operations, bytes } = entrant.work;
  return {
    kernel,
    family: registry[kernel].family,
    contest: name,
    encoding: cases[kernel].encoding,
    layer,
    density,
    macs,
    effectiveMacs,
    operations,
    bytes,
    ms: median(times),
    bestMs: Math.min(...times),
    ...(dense && {
      bestDense: { kernel: dense.kernel, ms: median(dense.times) },
      speedup: median(times.map((ms, round) => dense.times[round] / ms)),
    }),
  };
}

/** Times a contest: dense and sparse kernels in turns, density by density. Dense kernels are reported once. */
export function runContest(kernels: RawKernels, contest: Contest, timing: Timing, warm: Warm): Measurement[] {
  const measurements: Measurement[] = [];
  const dense = new Map<KernelName, Entrant>();
  for (const density of contest.densities) {
    const entrants = enter(kernels, contest, density, timing, warm);
    const best = bestDenseOf(entrants);
    for (const entrant of entrants) {
      if (cases[entrant.kernel].encoding === 'dense') {
        const before = dense.get(entrant.kernel)?.times ?? [];
        dense.set(entrant.kernel, { ...entrant, times: [...before, ...entrant.times] });
      } else measurements.push(toMeasurement(entrant, contest, density, best));
    }
  }
  const best = contest.kernels.length > 1 ? bestDenseOf([...dense.values()]) : undefined;
  for (const entrant of dense.values()) measurements.push(toMeasurement(entrant, contest, 1, best));
  return measurements.filter(({ kernel }) => contest.reported.includes(kernel));
}

/** Compares a measurement with the machine's peak. */
export function rate(measurement: Measurement, peak: Peak): Result {
  const { operations, macs, bytes, ms } = measurement;
  const gbps = bytes / ms / 1e6;
  const gflops = operations / ms / 1e6;
  const shareOfPeak = macs > 0 ? gflops / peak.gflops : gbps / copyBandwidth(peak, bytes);
  return { ...measurement, ...(operations > 0 && { gflops }), gbps, shareOfPeak };
}

/** Title of a contest while it runs. */
export function describeContest({ name, layer }: Contest): string {
  return `${name}: ${describeShape(layer)}`;
}
