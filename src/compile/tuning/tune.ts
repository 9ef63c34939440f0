// Chooses encodings by measurement: runs every candidate for every matrix product on this device, and keeps the fastest.
import { FiligreeError } from '../../errors.ts';
import type { Program } from '../../program/program.ts';
import type { WasmBuild } from '../../runtime/probe.ts';
import { measureCandidates } from './measure.ts';
import type { Lower, Measured, MeasuredLayer, MeasureOptions } from './measure.ts';

export interface TuneOptions extends Partial<Omit<MeasureOptions, 'hopeless'>> {
  /** Seconds of measuring, more than 0; 10 if not given. */
  seconds?: number;
  /** Name of the machine in the artifact's `metadata.tuning`. */
  device?: string;
}

/** The entry of one layer in an artifact's `metadata.tuning`. */
export interface TunedLayer {
  name: string;
  kernel: string;
  /** The cost model's choice. */
  predicted: string;
  /** Measured milliseconds of the layer by kernel. */
  ms: { [kernel: string]: number };
}

/** `metadata.tuning` of an artifact. */
export interface Tuning {
  /** The wasm build, and the engine that ran it. */
  build: WasmBuild;
  engine: string;
  device?: string;
  /** Number of runs of every candidate. */
  rounds: number;
  layers: TunedLayer[];
}

/** Times within this share of the fastest count as equal. Of those, the one that the cost model prefers is chosen. */
const noise = 0.02;

/**
 * A network's program with the encodings that are fastest here. Its `metadata.tuning` contains the measurements.
 * @throws FiligreeError `invalid-argument` when `seconds` is not a positive number, and for a network without weights
 */
export async function tuneProgram(lower: Lower, options: TuneOptions = {}): Promise<Program> {
  const { seconds = 10, device, ...rest } = options;
  if (!(seconds > 0 && seconds < Infinity)) {
    throw new FiligreeError('invalid-argument', `seconds: wanted a positive number, got ${String(seconds)}`);
  }
  const measured = await measureCandidates(lower, { seconds, ...rest });
  const choices = chooseCandidates(measured.layers);
  const program = lower({ choices });
  program.metadata.tuning = describeTuning(measured, choices, device);
  return program;
}

/** The fastest measured candidate of each layer. Equal layers get the same choice, by the sum of their times. */
export function chooseCandidates(layers: readonly Omit<MeasuredLayer, 'layer' | 'predicted'>[]): Map<string, string> {
  const classes = new Map<string, { names: string[]; ms: Map<string, number> }>();
  for (const { name, candidates, workloadKey } of layers) {
    const key = `${workloadKey} ${candidates.map((candidate) => candidate.name)}`;
    const known = classes.get(key) ?? { names: [], ms: new Map<string, number>() };
    known.names.push(name);
    for (const candidate of candidates)
      known.ms.set(candidate.name, (known.ms.get(candidate.name) ?? 0) + candidate.measuredMs);
    classes.set(key, known);
  }
  const choices = new Map<string, string>();
  for (const { names, ms } of classes.values()) {
    const best = Math.min(...ms.values());
    // in the order that the cost model prefers
    const [candidate] = [...ms].find(([, sum]) => sum <= best * (1 + noise))!;
    for (const name of names) choices.set(name, candidate);
  }
  return choices;
}

function describeTuning(measured: Measured, choices: Map<string, string>, device?: string): Tuning {
  return {
    build: measured.build,
    engine: engineName(),
    ...(device === undefined ? {} : { device }),
    rounds: measured.rounds,
    layers: measured.layers.map(({ name, predicted, candidates }) => ({
      name,
      kernel: choices.get(name)!,
      predicted,
      ms: Object.fromEntries(
        candidates.map((candidate) => [candidate.name, Number(candidate.measuredMs.toPrecision(4))]),
      ),
    })),
  };
}

/** `Node v20.20.0 (V8 11.3…)`, or the host's own name. */
export function engineName(): string {
  const { process, navigator } = globalThis as {
    process?: { version?: string; versions?: { v8?: string } };
    navigator?: { userAgent?: string };
  };
  if (process?.versions?.v8) return `Node ${process.version} (V8 ${process.versions.v8})`;
  return navigator?.userAgent ?? 'unknown';
}
