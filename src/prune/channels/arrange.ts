// Rearranges a network's channels for a pruning run.
import type { Graph } from '../../graph/graph.ts';
import { Calibrator } from '../statistics/calibration.ts';
import type { ChannelPermutations } from './permute.ts';
import type { Layer } from '../layers.ts';
import type { ResolvedOptions } from '../options.ts';
import { rearrange } from './rearrange.ts';

/** The sparsity to group for when the target does not specify one. The best order changes little with it. */
const usualSparsity = 0.7;

/** Maximum bytes of statistics collected in one run of the calibration images. */
const maxStatistics = 512 * 2 ** 20;

/** The network rearranged for the layers to prune, by the energy of weights times their inputs on the calibration images. */
export async function arranged(
  graph: Graph,
  chosen: readonly Layer[],
  options: Pick<ResolvedOptions, 'pattern' | 'target' | 'distribution' | 'samples' | 'seed' | 'signal'>,
): Promise<{ graph: Graph; permutations: ChannelPermutations; notes: string[] }> {
  const { pattern, target, distribution, samples, seed, signal } = options;
  const usual = target.kind === 'sparsity' && target.value > 0 ? target.value : usualSparsity;
  const sparsity =
    typeof distribution === 'object'
      ? distribution
      : new Map(chosen.map(({ name }) => [name, pattern.sparsity ?? usual]));
  const inputEnergies = samples.length > 0 ? await energiesOf(graph, chosen, { samples, seed, signal }) : undefined;
  const { permutations, kept, ...found } = rearrange(graph, { pattern, sparsity, inputEnergies, signal });
  if (permutations.size === 0) return { graph, permutations, notes: ['rearranged: nothing to gain'] };
  const mean = (of: 'before' | 'after') => [...kept.values()].reduce((sum, shares) => sum + shares[of], 0) / kept.size;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const note = `rearranged: ${kept.size} sets of channels, groups keep ${percent(mean('after'))} of the energy instead of ${percent(mean('before'))}`;
  return { graph: found.graph, permutations, notes: [note] };
}

/** E x² of each column of the layers' inputs. */
async function energiesOf(
  graph: Graph,
  layers: readonly Layer[],
  { samples, seed, signal }: Pick<ResolvedOptions, 'samples' | 'seed' | 'signal'>,
): Promise<Map<string, Float64Array>> {
  const energies = new Map<string, Float64Array>();
  const calibrator = await Calibrator.open(graph, samples, { seed, signal });
  try {
    for (const batch of batches(layers.filter(({ groups }) => groups === 1))) {
      for (const [name, { groups }] of await calibrator.statisticsOfAll(batch)) {
        const [{ n, gram }] = groups;
        energies.set(
          name,
          Float64Array.from({ length: n }, (_, i) => gram[i * n + i]),
        );
      }
    }
  } finally {
    calibrator.dispose();
  }
  return energies;
}

function batches(layers: readonly Layer[]): Layer[][] {
  const found: Layer[][] = [];
  let bytes = Infinity;
  for (const layer of layers) {
    bytes += 8 * layer.columns ** 2;
    if (bytes > maxStatistics) {
      found.push([]);
      bytes = 8 * layer.columns ** 2;
    }
    found.at(-1)!.push(layer);
  }
  return found;
}
