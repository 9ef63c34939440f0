// Why a layer is done the way it is: every candidate with its predicted and its measured time.
import { FiligreeError } from '../../errors.ts';
import type { WasmBuild } from '../../runtime/probe.ts';
import { measureCandidates } from './measure.ts';
import type { Lower, MeasureOptions, TimedCandidate } from './measure.ts';

export interface Explanation {
  layer: string;
  /** The same for layers that take as long. */
  workloadKey: string;
  /** What is taken, by name. A convolution in groups of channels may take several: it has a product for each group. */
  chosen: string[];
  /** By their predicted times. */
  candidates: TimedCandidate[];
  build: WasmBuild;
  /** How often every candidate ran. */
  rounds: number;
}

/**
 * Measures every candidate of one layer in the whole network, as `tuneProgram` does.
 * @throws FiligreeError `invalid-argument` for a layer that there is none of, or that there is one way to do only, and as
 * `measureCandidates`
 */
export async function explainLayer(lower: Lower, layer: string, options: MeasureOptions): Promise<Explanation> {
  const chosen = new Map<string, Set<string>>();
  const { name, layers } = lower({
    onChoice: (of, _, __, choice) => void chosen.set(of, new Set([...(chosen.get(of) ?? []), choice])),
  });
  if (!chosen.has(layer)) {
    const choices = [...chosen.keys()];
    const found = layers.find((other) => other.name === layer);
    const why = found ? `layer "${layer}" (${found.op}): there is one way to do it only` : `no layer "${layer}"`;
    throw new FiligreeError('invalid-argument', `${name}: ${why}; layers with candidates: ${listed(choices)}`);
  }
  const measured = await measureCandidates(lower, { ...options, hopeless: Infinity, only: layer });
  const [{ workloadKey, candidates }] = measured.layers;
  return {
    layer,
    workloadKey,
    chosen: [...chosen.get(layer)!],
    candidates: candidates.toSorted((a, b) => a.ms - b.ms),
    build: measured.build,
    rounds: measured.rounds,
  };
}

/** The first few names. */
function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
}
