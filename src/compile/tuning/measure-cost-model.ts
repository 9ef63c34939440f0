// Measures a cost model of this device: runs a network of layers of all kinds with every encoding, and fits costs to it.
import type { Program } from '../../program/program.ts';
import { optimise } from '../../passes/index.ts';
import { calibrationGraph } from './calibration-graph.ts';
import { defaultCostModel, stepWork } from '../../lower/cost.ts';
import type { OperationCounts } from '../../lower/cost.ts';
import type { Core, CostModel } from '../../lower/cost-model.ts';
import { fitCosts } from './fit.ts';
import type { Observation } from './fit.ts';
import { lowerGraph } from '../lower-graph.ts';
import { measureCandidates } from './measure.ts';
import type { Lower, MeasureOptions } from './measure.ts';
import { measurePeak } from './peak.ts';
import { engineName } from './tune.ts';

export type CostModelOptions = Partial<Omit<MeasureOptions, 'hopeless'>> & {
  /** Name of the machine in the model's note. */
  device?: string;
};

/** Caches of the machine on which the default model was measured; others are similar enough. */
const caches = { l1Bytes: 48 * 1024, cacheBytes: 1024 * 1024 };

/**
 * Measures what kernels cost on this device, for `CompileOptions.costModel`.
 * @param options.seconds How long to run; 20 if not given.
 */
export async function measureCostModel(options: CostModelOptions = {}): Promise<CostModel> {
  const { seconds = 20, device, ...rest } = options;
  const graph = calibrationGraph();
  optimise(graph);
  // loaded here, as in measureCandidates
  const { prefersWideTiles } = await import('../../runtime/engine.ts');
  const core: Core = { ...caches, wideTiles: prefersWideTiles() };
  const peaks = [await measurePeak()];
  const lower: Lower = (plan) => lowerGraph(graph, defaultCostModel, plan);
  const measured = await measureCandidates(lower, { seconds, ...rest, hopeless: Infinity });
  peaks.push(await measurePeak());
  const observations = measured.programs.flatMap((own) => observe(own, core));
  const peak = Number(Math.max(...peaks).toPrecision(3));
  const note = [device, engineName(), `${measured.build} build`, `${measured.rounds} rounds`]
    .filter(Boolean)
    .join(', ');
  return { note, peak, ...core, costs: withOther(fitCosts(observations, peak)) };
}

/** The work and time of each layer of a program. */
export function observe({ program, ms }: { program: Program; ms: readonly number[] }, core: Core): Observation[] {
  const work = program.layers.map((): OperationCounts => []);
  for (const step of program.steps) work[step.layer].push(...stepWork(step, program, core));
  return ms.flatMap((took, layer) => (work[layer].length > 0 && took > 0 ? [{ work: work[layer], ms: took }] : []));
}

/** Adds costs that are not measured yet: integer products keep theirs, other kernels cost the same as an addition. */
function withOther(costs: CostModel['costs']): CostModel['costs'] {
  const kept = Object.entries(defaultCostModel.costs).filter(([name]) => /^i\d+_/.test(name));
  const sorted = [...kept, ...Object.entries(costs)].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...Object.fromEntries(sorted), other: costs.f32_binary };
}
