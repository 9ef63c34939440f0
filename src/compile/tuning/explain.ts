// Explains the encoding of a layer: every candidate with its predicted and its measured time.
import { FiligreeError } from '../../errors.ts';
import type { WasmBuild } from '../../runtime/probe.ts';
import { measureCandidates } from './measure.ts';
import type { Lower, MeasureOptions, TimedCandidate } from './measure.ts';

export interface Explanation {
  layer: string;
  /** Equal for layers that take the same time. */
  workloadKey: string;
  /** Names of the chosen candidates. A convolution with groups may have several, because it has a product for each group. */
  chosen: string[];
  /** Sorted by predicted time. */
  candidates: TimedCandidate[];
  build: WasmBuild;
  /** Number of runs of every candidate. */
  rounds: number;
}

/**
 * Measures every candidate of one layer in the whole network, as `tuneProgram` does.
 * @throws FiligreeError `invalid-argument` for an unknown layer or one with a single candidate, and as `measureCandidates`
 */
export async function explainLayer(lower: Lower, layer: string, options: MeasureOptions): Promise<Explanation> {
  const chosen = new Map<string, Set<string>>();
  const { name, layers } = lower({
    onChoice: (of, _, __, choice) => void chosen.set(of, new Set([...(chosen.get(of) ?? []), choice])),
  });
  if (!chosen.has(layer)) {
    const choices = [...chosen.keys()];
    const found = layers.find((other) => other.name === layer);
    const why = found ? `layer "${layer}" (${found.op}): it has only one candidate` : `no layer "${layer}"`;
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
