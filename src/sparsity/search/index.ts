// The distribution of sparsity over layers, found by search under a budget, after Týr-the-Pruner (Li et al., 2025):
//
//   1. Every layer is pruned to each rung of a ladder of sparsities, once, by whatever criterion.
//   2. Networks are stitched together from these candidates and run on photos; what counts is how far their outputs are from
//      the dense network's, so that errors add up through the network as they do in use.
//   3. Each layer's loss alone gives a first solution (an exact knapsack); the losses around the best so far give another;
//      evolution goes on from there, uniform and Erdős–Rényi being in the first population.
//   4. Again with finer rungs around the best, its candidates made anew on what the pruned layers before leave.
import { defaultCostModel } from '../../compile/cost.ts';
import type { CostModel } from '../../compile/cost.ts';
import { lowerGraph } from '../../compile/lower.ts';
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../tensor.ts';
import { addCosts, checkBudget, isWithin, limitOf, noCosts, programCosts, unreachable } from '../budget.ts';
import type { Budget, Costs, Limit } from '../budget.ts';
import { erdosRenyiKernel } from '../erk.ts';
import type { Layer } from '../layers.ts';
import { RandomNumbers, seedOf } from '../random-numbers.ts';
import { uniform } from '../uniform.ts';
import type { Distribution } from '../uniform.ts';
import { costsOfChoice, makeCandidates, networkOf } from './candidates.ts';
import type { CandidateMaker, Candidates, Choice } from './candidates.ts';
import { Evaluator } from './evaluator.ts';
import type { EvaluatorOptions } from './evaluator.ts';
import type { Scored } from './evolve.ts';
import { evenly, runStage } from './stage.ts';

export interface SearchProgress {
  /** Candidates are made, layers tried out one by one, distributions evolved; again in each stage. */
  phase: 'candidates' | 'layers' | 'evolution';
  stage: number;
  stages: number;
  done: number;
  total: number;
  /** The layer that is being worked on. */
  layer?: string;
  /** Of the best distribution so far. */
  divergence?: number;
}

export interface SearchOptions extends EvaluatorOptions {
  budget: Budget;
  /** Prunes one layer to some sparsities: see CandidateMaker. */
  make: CandidateMaker;
  /** Calibration photos: tensors by the author's input names. */
  samples: readonly Readonly<Record<string, Tensor>>[];
  /** The sparsities that a layer may have, increasing from 0 on. Default 0, 0.1 … 0.9, 0.95. */
  ladder?: (layer: Layer) => readonly number[];
  /** 1: the first ladder only; 2 (default): finer rungs around the best as well, unless a ladder is given. */
  stages?: 1 | 2;
  /** Photos that networks are run on, evenly from all samples. Default 32. */
  photos?: number;
  /** Of evolution, in each stage. Default 40. */
  generations?: number;
  /** Children of each generation. Default 16. */
  children?: number;
  /** Evolution ends once so many seconds went into running networks. Default 200. */
  seconds?: number;
  /** Of everything that is drawn at random. Default 1. The same seed gives the same result, unless time has run out. */
  seed?: number;
  costModel?: CostModel;
  onProgress?: (progress: SearchProgress) => void;
}

export interface Baseline {
  distribution: Distribution;
  divergence: number;
  costs: Costs;
}

export interface Found extends Baseline {
  /** `uniform` and `erk` on the same photos, as far as they meet the budget. */
  baselines: { [name: string]: Baseline };
  /** Networks run on a photo, whole or from some layer on. */
  runs: number;
  /** Spent on candidates, and on running networks. */
  seconds: { candidates: number; networks: number };
  /** Whether time has run out before the last generation. */
  stopped: boolean;
}

/**
 * Searches for the distribution of sparsity over `layers` that changes the network's outputs least within a budget. The
 * budget counts these layers (sparsity) or the whole network (all others).
 * @param graph an optimised one; stays as it is
 * @returns the share of zeros of each layer, what the network costs with it as predicted, and how far its outputs are from the
 * dense network's (see divergence.ts), which is not more than with the same share everywhere or Erdős–Rényi's
 * @throws FiligreeError `invalid-argument` for options that make no sense and for a budget that cannot be met, naming the best
 * that can; the signal's reason
 */
export async function search(graph: Graph, layers: readonly Layer[], options: SearchOptions): Promise<Found> {
  checkOptions(graph, layers, options);
  const { budget, make, stages = 2, generations = 40, children, seconds = 200, seed = 1, signal, onProgress } = options;
  const costModel = options.costModel ?? defaultCostModel;
  const samples = evenly(options.samples, options.photos ?? 32);
  const random = new RandomNumbers(seedOf(seed, 'search'));
  const dense = denseCosts(graph, layers, costModel);
  const limit = limitOf(budget, dense);
  const total = options.ladder ? 1 : stages;
  const spent = { candidates: 0, networks: 0 };
  let best: (Scored & { candidates: Candidates }) | undefined;
  let reference: Evaluator | undefined;
  let baselines: Found['baselines'] = {};
  let [stopped, runs] = [false, 0];
  for (let stage = 0; stage < total; stage++) {
    const begin = performance.now();
    const rungs = best ? finerRungs(best) : firstRungs(layers, budget, options.ladder);
    const { candidates, alternatives } = await makeCandidates(graph, layers, rungs, make, {
      pruned: best && networkOf(best.candidates, best.choice),
      costModel,
      signal,
      onProgress: (done, of, layer) =>
        onProgress?.({
          phase: 'candidates',
          stage,
          stages: total,
          done,
          total: of,
          layer,
          divergence: best?.divergence,
        }),
    });
    if (!best) checkReachable(graph, candidates, budget, limit, dense);
    spent.candidates += (performance.now() - begin) / 1000;
    const middle = performance.now();
    const evaluator = await Evaluator.open(candidates, alternatives, samples, options);
    try {
      if (reference) evaluator.compareAs(reference);
      else await evaluator.compareWith(layers.map(() => 0));
      reference = evaluator;
      const before = spent.networks;
      // what is left is shared by the stages that are left
      const share = before + (seconds - before) / (total - stage);
      const result = await runStage(evaluator, {
        limit,
        base: best
          ? candidates.ladders.map(({ rungs: own }, i) => nearest(own, sparsitiesOf(best!)[i]))
          : layers.map(() => 0),
        starts: best
          ? new Map([['best', candidates.ladders.map(({ rungs: own }, i) => nearest(own, sparsitiesOf(best!)[i]))]])
          : firstStarts(layers, candidates, limit),
        random,
        generations,
        children,
        isOver() {
          const isOver = before + (performance.now() - middle) / 1000 > share;
          stopped ||= isOver;
          return isOver;
        },
        onProgress: (phase, done, of, divergence) =>
          onProgress?.({ phase, stage, stages: total, done, total: of, divergence: divergence ?? best?.divergence }),
      });
      if (!best) {
        const named = [...result.starts].map(([name, { choice, divergence }]) => [
          name,
          { divergence, ...describe(candidates, choice) },
        ]);
        baselines = Object.fromEntries(named) as Found['baselines'];
      }
      if (!best || result.divergence <= best.divergence) best = { ...result, candidates };
    } finally {
      runs += evaluator.runs;
      evaluator.dispose();
      spent.networks += (performance.now() - middle) / 1000;
    }
  }
  const { divergence, candidates, choice } = best!;
  return { ...describe(candidates, choice), divergence, baselines, runs, seconds: spent, stopped };
}

function checkOptions(graph: Graph, layers: readonly Layer[], options: SearchOptions): void {
  const { budget, samples, ladder } = options;
  const invalid = (message: string) => new FiligreeError('invalid-argument', `${graph.name}: ${message}`);
  checkBudget(budget);
  if (layers.length === 0) throw invalid('no layers to search a distribution of sparsity for');
  if (samples.length === 0) throw invalid('a search needs calibration images: give samples');
  for (const name of ['photos', 'generations', 'children', 'threads'] as const) {
    const value = options[name];
    const least = name === 'generations' ? 0 : 1;
    if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
      throw invalid(`${name} ${String(value)}: wanted a whole number from ${least} on`);
    }
  }
  if (options.seconds !== undefined && !(options.seconds >= 0)) {
    throw invalid(`seconds ${String(options.seconds)}: wanted a number from 0 on`);
  }
  if (options.stages !== undefined && options.stages !== 1 && options.stages !== 2) {
    throw invalid(`stages ${String(options.stages)}: wanted 1 or 2`);
  }
  for (const layer of ladder ? layers : []) {
    const rungs = ladder!(layer);
    const isLadder = rungs[0] === 0 && rungs.every((s, i) => s < 1 && (i === 0 || s > rungs[i - 1]));
    if (!isLadder || rungs.length > 255) {
      throw invalid(
        `ladder of layer "${layer.name}": wanted sparsities below 1, increasing from 0 on, got [${rungs.join(', ')}]`,
      );
    }
  }
}

/** Weights of layers that may be pruned, and milliseconds on dense kernels. */
function denseCosts(graph: Graph, layers: readonly Layer[], costModel: CostModel): Pick<Costs, 'weights' | 'ms'> {
  const weights = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const { ms } = programCosts(lowerGraph(graph, costModel, { dense: true }), costModel).reduce(addCosts, noCosts);
  return { weights, ms };
}

/** @throws FiligreeError when the sparsest rungs of all ladders are not sparse enough */
function checkReachable(
  graph: Graph,
  candidates: Candidates,
  budget: Budget,
  limit: Limit,
  dense: Pick<Costs, 'weights' | 'ms'>,
): void {
  const cheapest = candidates.ladders.map(({ rungs }) => {
    const costs = rungs.map((rung) => rung.costs[limit.of]);
    return costs.indexOf(Math.min(...costs));
  });
  const best = costsOfChoice(candidates, cheapest);
  if (isWithin(best, limit)) return;
  const most = Math.max(...candidates.ladders.map(({ rungs }) => rungs.at(-1)!.sparsity));
  const why = `with at most ${Math.round(1000 * most) / 10} % of a layer's weights removed from ${candidates.ladders.length} layers`;
  throw unreachable(graph.name, budget, best, dense, why);
}

const defaultRungs = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

/** Closer to an exact rung than this, a default one is left out. */
const tooClose = 0.025;

/** The ladders of the first stage; where the budget is a sparsity, with the rungs of uniform and Erdős–Rényi on them. */
function firstRungs(
  layers: readonly Layer[],
  { kind, value }: Budget,
  ladder: SearchOptions['ladder'],
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

/** Steps of the second stage around a layer's sparsity. */
const finer = [-0.05, -0.025, 0, 0.025, 0.05];

function finerRungs(best: { candidates: Candidates; choice: Choice }): Map<string, readonly number[]> {
  const sparsities = sparsitiesOf(best);
  return new Map(
    best.candidates.ladders.map(({ layer }, i) => {
      const around = finer
        .map((step) => Math.max(0, sparsities[i] + step))
        .filter((s) => s < 0.99 || s === sparsities[i]);
      return [layer.name, [...new Set(around)]];
    }),
  );
}

function sparsitiesOf({ candidates, choice }: { candidates: Candidates; choice: Choice }): number[] {
  return candidates.ladders.map(({ rungs }, i) => rungs[choice[i]].sparsity);
}

/** Uniform and Erdős–Rényi, on the rungs next to them, as sparse as the budget wants. */
function firstStarts(layers: readonly Layer[], candidates: Candidates, limit: Limit): Map<string, Choice> {
  const families = { uniform, erk: erdosRenyiKernel };
  return new Map(
    Object.entries(families).map(([name, family]) => {
      let choice: Choice = [];
      for (let step = 0; step < 200; step++) {
        // the target itself, where it is a sparsity
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

function nearest(rungs: readonly { sparsity: number }[], sparsity: number): number {
  const distance = (i: number) => Math.abs(rungs[i].sparsity - sparsity);
  return rungs.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
}

function describe(candidates: Candidates, choice: Choice): Omit<Baseline, 'divergence'> {
  const sparsities = sparsitiesOf({ candidates, choice });
  const distribution = new Map(candidates.ladders.map(({ layer }, i) => [layer.name, sparsities[i]]));
  return { distribution, costs: costsOfChoice(candidates, choice) };
}
