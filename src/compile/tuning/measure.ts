// Times a network's matrix products with every kernel that can compute them, on this device.
//
// Each candidate is timed in the whole network, where its input has just been written by the layer before, and its weights
// are as cold as a run of the network leaves them. The i-th of several programs uses the i-th candidate of every layer. The
// programs take turns, layer by layer, so that other load on the machine affects all equally.
import { noise } from './noise.ts';
import { writeArtifact } from '../../artifact/write.ts';
import { FiligreeError } from '../../errors.ts';
import type { Program } from '../../program/program.ts';
import type { WasmProvider } from '../../runtime/instantiate.ts';
import type { Model } from '../../runtime/model.ts';
import type { WasmBuild } from '../../runtime/probe.ts';
import { fastest } from '../../lower/cost.ts';
import type { Choices, OnChoice, Candidate } from '../../lower/lowering.ts';

export interface MeasureOptions {
  /** Seconds of running, warm-up included. Each candidate runs at least twice, however long that takes. */
  seconds: number;
  /** Skips candidates that the cost model predicts to be this many times slower than the best. Default 3. */
  hopeless?: number;
  /** The one layer whose candidates are tried; all others are as compiled. */
  only?: string;
  build?: WasmBuild;
  wasm?: WasmProvider;
  signal?: AbortSignal;
  /** Called after each round with the elapsed share of the time, 0…1. */
  onProgress?: (share: number) => void;
}

/** A network's program with these choices. Layers and their order are the same each time. */
export type Lower = (plan: { choices?: Choices; onChoice?: OnChoice }) => Program;

/** A candidate with its measured time. */
export interface TimedCandidate extends Candidate {
  /** Milliseconds of the whole layer, copies for k×k included: the minimum of all rounds, and the median. */
  measuredMs: number;
  medianMs: number;
}

/** A layer with candidates. */
export interface MeasuredLayer {
  /** Index into the program's layers. */
  layer: number;
  name: string;
  /** The cost model's choice. */
  predicted: string;
  /** In the order of their predicted times. Dense is always one of them. */
  candidates: TimedCandidate[];
  /** Equal for layers that take the same time. */
  workloadKey: string;
}

export interface Measured {
  build: WasmBuild;
  rounds: number;
  layers: MeasuredLayer[];
  /** The programs that ran, that of the cost model's choices first, with the minimum milliseconds of each of its layers. */
  programs: { program: Program; ms: number[] }[];
}

/**
 * Measures every candidate of each layer.
 * @throws FiligreeError `invalid-argument` for a network without layers to choose for, and as `loadModel`
 */
export async function measureCandidates(lower: Lower, options: MeasureOptions): Promise<Measured> {
  const { seconds, hopeless = 3, only, build, wasm, signal, onProgress } = options;
  const found = new Map<string, { candidates: Candidate[]; workloadKey: string }>();
  const asCompiled = lower({
    onChoice: (layer, candidates, workloadKey) =>
      void found.set(layer, addCandidates(found.get(layer), candidates, workloadKey)),
  });
  if (found.size === 0) {
    throw new FiligreeError(
      'invalid-argument',
      `${asCompiled.name}: has no layers with weights to choose encodings for`,
    );
  }
  const layers = asCompiled.layers.flatMap(({ name }, layer) => {
    const known = found.get(name);
    return known && (only === undefined || name === only)
      ? [{ layer, name, workloadKey: known.workloadKey, ...candidates(known.candidates, hopeless) }]
      : [];
  });
  const count = Math.max(...layers.map(({ candidates }) => candidates.length));
  const programs = [asCompiled];
  for (let i = 1; i < count; i++) {
    programs.push(
      lower({ choices: new Map(layers.map(({ name, candidates }) => [name, candidates[i % candidates.length].name])) }),
    );
  }
  // loaded here, so that compiling without tuning does not load the runtime
  const { loadModel } = await import('../../runtime/load.ts');
  const models: Model[] = [];
  try {
    for (const program of programs) models.push(await loadModel(writeArtifact(program), { build, wasm, signal }));
    const inputs = noise(models[0]);
    const times = models.map(() => asCompiled.layers.map((): number[] => []));
    const start = performance.now();
    const isOver = (share: number) => performance.now() - start >= 1000 * seconds * share;
    let rounds = 0;
    // the engine's optimising compiler finishes within half a second
    for (let isWarm = false; rounds === 0 || !isOver(1);) {
      signal?.throwIfAborted();
      for (const [i, model] of models.entries()) {
        const profile = await model.profile(inputs, { runs: 1, warmup: 0 });
        if (isWarm) profile.forEach(({ ms }, layer) => times[i][layer].push(ms));
      }
      if (isWarm) rounds++;
      isWarm ||= isOver(Math.min(1 / 3, 0.5 / seconds));
      onProgress?.(Math.min(1, (performance.now() - start) / (1000 * seconds)));
    }
    return {
      build: models[0].info.build,
      rounds,
      layers: layers.map((entry) => ({
        ...entry,
        candidates: entry.candidates.map((candidate, i) => {
          // layers with fewer candidates than programs run some of them several times
          const own = times.flatMap((of, p) => (p % entry.candidates.length === i ? of[entry.layer] : []));
          return { ...candidate, measuredMs: Math.min(...own), medianMs: own.sort((a, b) => a - b)[own.length >> 1] };
        }),
      })),
      programs: programs.map((program, i) => ({ program, ms: times[i].map((own) => Math.min(...own)) })),
    };
  } finally {
    for (const model of models) model.dispose();
  }
}

/** Sums a layer's candidates over its products: a convolution with groups has one product for each. */
export function addCandidates(
  before: { candidates: Candidate[]; workloadKey: string } | undefined,
  candidates: readonly Candidate[],
  workloadKey: string,
) {
  if (!before) return { candidates: [...candidates], workloadKey };
  const sums = before.candidates.map((candidate) => ({
    ...candidate,
    ms: candidate.ms + (candidates.find(({ name }) => name === candidate.name)?.ms ?? 0),
  }));
  return { candidates: sums, workloadKey: `${before.workloadKey}, ${workloadKey}` };
}

/** The candidates to try: the predicted choice first, then by predicted time; includes dense. */
function candidates(
  candidates: readonly Candidate[],
  hopeless: number,
): { predicted: string; candidates: Candidate[] } {
  const best = Math.min(...candidates.map(({ ms }) => ms));
  const predicted = fastest(candidates);
  const tried = candidates.filter(({ name, ms, isDense }) => isDense || name === predicted || ms <= hopeless * best);
  const rank = ({ name, ms }: Candidate) => (name === predicted ? -1 : ms);
  return { predicted, candidates: tried.toSorted((a, b) => rank(a) - rank(b)) };
}
