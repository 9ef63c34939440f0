// Times of a network's matrix products by every kernel that can do them, on this device.
//
// Each way is timed where it will run: in the whole network, its input just written by the layer before, its weights as
// cold as a run of the network leaves them. The i-th of several programs has every layer by its i-th candidate; the
// programs run in turns, layer by layer, so that what else the machine does hits all alike.
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
  /** Seconds to spend on running, warm-up included. Each candidate runs twice at least, however long that takes. */
  seconds: number;
  /** Ways that the cost model finds so many times slower than the best are not tried. Default 3. */
  hopeless?: number;
  /** The one layer whose candidates are tried; all others are as compiled. */
  only?: string;
  build?: WasmBuild;
  wasm?: WasmProvider;
  signal?: AbortSignal;
  /** Called after each round with the share of the time that is over, 0…1. */
  onProgress?: (share: number) => void;
}

/** A network's program with these choices. Layers and their order are the same each time. */
export type Lower = (plan: { choices?: Choices; onChoice?: OnChoice }) => Program;

/** A way to do a layer, and what it takes. */
export interface TimedCandidate extends Candidate {
  /** Milliseconds of the whole layer, copies for k×k included: the least of all rounds, and the median. */
  measuredMs: number;
  medianMs: number;
}

/** A layer that there are ways to do. */
export interface MeasuredLayer {
  /** Index into the program's layers. */
  layer: number;
  name: string;
  /** What the cost model chose. */
  predicted: string;
  /** In the order of their predicted times. Dense is always one of them. */
  candidates: TimedCandidate[];
  /** The same for layers that take as long. */
  workloadKey: string;
}

export interface Measured {
  build: WasmBuild;
  rounds: number;
  layers: MeasuredLayer[];
  /** What ran, the program of the cost model's choices first, with the least milliseconds of each of its layers. */
  programs: { program: Program; ms: number[] }[];
}

/**
 * Measures every way to do each layer.
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
  // what runs is loaded here, so that whoever only compiles does not load the runtime
  const { loadModel } = await import('../../runtime/load.ts');
  const models: Model[] = [];
  try {
    for (const program of programs) models.push(await loadModel(writeArtifact(program), { build, wasm, signal }));
    const inputs = noise(models[0]);
    const times = models.map(() => asCompiled.layers.map((): number[] => []));
    const start = performance.now();
    const isOver = (share: number) => performance.now() - start >= 1000 * seconds * share;
    let rounds = 0;
    // the engine's optimising compiler is done after half a second
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
          // layers with fewer ways than there are programs have some of them several times
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

/** A layer's ways, summed over its products: a convolution in groups of channels has one for each group. */
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

/** The ways worth trying: the predicted choice, then from the fastest on; dense is one of them. */
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
