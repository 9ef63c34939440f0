// A network with its channels in another order, before anything is pruned.
import type { Calibrator } from './calibration.ts';
import { distribute } from './distribute.ts';
import type { Layer } from './layers.ts';
import type { ResolvedOptions } from './options.ts';
import type { PruningState } from './prune-layer.ts';
import { rearrange } from './rearrange.ts';
import type { Rearranged } from './rearrange.ts';
import type { Distribution } from './uniform.ts';

/** What a search is taken to find, while it is not known yet. */
const likely = 0.6;

/** Orders channels for the pattern and the sparsities that are to come, by what layers read on the calibration images. */
export async function rearrangedFor(
  state: PruningState,
  layers: readonly Layer[],
  options: ResolvedOptions,
): Promise<Rearranged & { notes: string[] }> {
  const { dense, calibrator, pattern } = state;
  const { signal, onProgress } = options;
  const sparsity = await expected(state, layers, options);
  const inputEnergies = calibrator && (await energies(calibrator, state, layers, options));
  onProgress?.({ phase: 'rearranging', step: 'channels', done: layers.length, total: layers.length });
  const found = rearrange(dense, { pattern, sparsity, inputEnergies, signal });
  const kept = [...found.kept.values()];
  const mean = (side: 'before' | 'after') =>
    `${((100 * kept.reduce((sum, share) => sum + share[side], 0)) / kept.length).toFixed(1)} %`;
  const gain = `${pattern.name} keeps ${kept.length > 0 ? `${mean('after')} of their energy, not ${mean('before')}` : ''}`;
  const notes = [kept.length > 0 ? `rearranged ${kept.length} channel spaces: ${gain}` : 'nothing to rearrange'];
  return { ...found, notes };
}

async function expected(
  state: PruningState,
  layers: readonly Layer[],
  options: ResolvedOptions,
): Promise<Distribution> {
  if (options.distribution !== 'search') return (await distribute(state, layers, options)).distribution;
  const { kind, value } = options.target;
  return new Map(layers.map(({ name }) => [name, kind === 'sparsity' ? value : likely]));
}

/** E x² of each input of each layer, in the dense network. */
async function energies(
  calibrator: Calibrator,
  { dense }: PruningState,
  layers: readonly Layer[],
  { signal, onProgress }: ResolvedOptions,
): Promise<Map<string, Float64Array>> {
  const found = new Map<string, Float64Array>();
  for (const [i, layer] of layers.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'rearranging', done: i, total: layers.length, layer: layer.name });
    const { groups } = await calibrator.statistics(layer, dense);
    const sums = new Float64Array(layer.columns);
    for (const group of groups) for (let c = 0; c < layer.columns; c++) sums[c] += group.dense[c * (group.n + 1)];
    found.set(layer.name, sums);
  }
  return found;
}
