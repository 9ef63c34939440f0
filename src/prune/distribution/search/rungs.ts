// The sparsities at which layers are tried.
import { isWithin } from '../budget.ts';
import type { Budget, Limit } from '../budget.ts';
import { erdosRenyiKernel } from '../erk.ts';
import type { Layer } from '../../layers.ts';
import { uniform } from '../uniform.ts';
import type { Distribution } from '../uniform.ts';
import { costsOfChoice } from './candidates.ts';
import type { LadderSet, Choice } from './candidates.ts';

const defaultRungs = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

/** A default rung closer to an exact one than this is left out. */
const tooClose = 0.025;

/** The ladders of the first stage. For a sparsity budget, they include the rungs of uniform and Erdős–Rényi. */
export function firstRungs(
  layers: readonly Layer[],
  { kind, value }: Budget,
  ladder?: (layer: Layer) => readonly number[],
): Map<string, readonly number[]> {
  if (ladder) return new Map(layers.map((layer) => [layer.name, ladder(layer)]));
  const shares = kind === 'sparsity' && value > 0 ? [uniform(layers, value), erdosRenyiKernel(layers, value)] : [];
  return new Map(
    layers.map(({ name }) => {
      const exact = shares.map((share) => share.get(name)!).filter((s) => s > 0 && s < 1);
      const others = defaultRungs.filter((s) => s === 0 || exact.every((e) => Math.abs(e - s) >= tooClose));
      return [name, [...new Set([...others, ...exact])].sort((a, b) => a - b)];
    }),
  );
}

/** Steps of later stages around a layer's sparsity. */
const finer = [-0.05, -0.025, 0, 0.025, 0.05];

/** The ladders of later stages. */
export function finerRungs(distribution: Distribution): Map<string, readonly number[]> {
  return new Map(
    [...distribution].map(([layer, sparsity]) => {
      const around = finer.map((step) => Math.max(0, sparsity + step)).filter((s) => s < 0.99 || s === sparsity);
      return [layer, [...new Set(around)]];
    }),
  );
}

/** Uniform and Erdős–Rényi on the nearest rungs, as sparse as the budget requires. */
export function firstStarts(layers: readonly Layer[], candidates: LadderSet, limit: Limit): Map<string, Choice> {
  const families = { uniform, erk: erdosRenyiKernel };
  return new Map(
    Object.entries(families).map(([name, family]) => {
      let choice: Choice = [];
      for (let step = 0; step < 200; step++) {
        // the target itself, if it is a sparsity
        const sparsity =
          limit.of === 'weights' ? Math.min(0.995, 1 - limit.most / weightsOf(layers) + step / 200) : step / 200;
        const shares = family(layers, sparsity);
        choice = candidates.ladders.map(({ layer, rungs }) => nearest(rungs, shares.get(layer.name)!));
        if (isWithin(costsOfChoice(candidates, choice), limit)) break;
      }
      return [name, choice];
    }),
  );
}

const weightsOf = (layers: readonly Layer[]) => layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);

/** The rung nearest to a sparsity. */
export function nearest(rungs: readonly { sparsity: number }[], sparsity: number): number {
  const distance = (i: number) => Math.abs(rungs[i].sparsity - sparsity);
  return rungs.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
}
