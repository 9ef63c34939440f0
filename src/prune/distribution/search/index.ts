// The distribution of sparsity over layers, found by search under a budget, after Týr-the-Pruner (Li et al., 2025):
//
//   1. Every layer is pruned once to each rung of a ladder of sparsities, by any criterion.
//   2. Networks are stitched together from these candidates and run on photos. They are judged by the distance of their
//      outputs from the dense network's, so that errors add up through the network as they do in use.
//   3. Each layer's own loss gives a first solution (an exact knapsack), and the losses around the best so far give another.
//      Evolution continues from there, with uniform and Erdős–Rényi in the first population.
//   4. The search repeats with finer rungs around the best. Its candidates are remade layer after layer, each for the outputs
//      of the pruned layers before it, as in pruning.
//   5. What was found, uniform and Erdős–Rényi are remade in the same way and judged on photos that the search has not seen: who
//      was best among thousands on a few photos may only fit those. The best of the three there is the result.
import { defaultCostModel } from '../../../lower/cost.ts';
import type { CostModel } from '../../../lower/cost-model.ts';
import { lowerGraph } from '../../../compile/lower-graph.ts';
import type { WeightType } from '../../../compile/rounding.ts';
import { FiligreeError } from '../../../errors.ts';
import type { Graph } from '../../../graph/graph.ts';
import type { Tensor } from '../../../tensor.ts';
import { addCosts, checkBudget, isWithin, limitOf, noCosts, programCosts, unreachable } from '../budget.ts';
import type { Budget, Costs, Limit } from '../budget.ts';
import type { Layer } from '../../layers.ts';
import { RandomNumbers, seedOf } from '../../random-numbers.ts';
import type { Distribution } from '../uniform.ts';
import { costsOfChoice, makeCandidates } from './candidates.ts';
import type { CandidateMaker, LadderSet, Choice } from './candidates.ts';
import type { Comparison } from './divergence.ts';
import { Evaluator } from './evaluator.ts';
import type { EvaluatorOptions } from './evaluator.ts';
import type { Scored } from './evolve.ts';
import { finerRungs, firstRungs, firstStarts, nearest } from './rungs.ts';
import { evenly, runStage } from './stage.ts';
import type { StageResult } from './stage.ts';

export interface SearchProgress {
  /** Each stage makes candidates, tries layers one by one, and evolves distributions. */
  phase: 'candidates' | 'layers' | 'evolution';
  stage: number;
  stages: number;
  done: number;
  total: number;
  /** The current layer. */
  layer?: string;
  /** Divergence of the best distribution so far. */
  divergence?: number;
}

export interface SearchOptions extends EvaluatorOptions {
  budget: Budget;
  /** Prunes one layer to several sparsities: see CandidateMaker. */
  make: CandidateMaker;
  /**
   * Photos on which networks run: tensors by the author's input names. They must differ from those that `make` fits weights
   * to, on which outputs are closer to the dense network's.
   */
  samples: readonly Readonly<Record<string, Tensor>>[];
  /** Other photos, on which the result is chosen among what was found and the baselines. Default: `samples`. */
  judges?: readonly Readonly<Record<string, Tensor>>[];
  /** The distance of outputs from the dense network's, which is minimised. Default: see divergence.ts. */
  comparison?: Comparison;
  /** Possible sparsities of a layer, increasing from 0. Default 0, 0.1 … 0.9, 0.95. */
  ladder?: (layer: Layer) => readonly number[];
  /** 1: only the first ladder (always, if a ladder is given); 2 (default): also finer rungs around the best; 3: those twice. */
  stages?: 1 | 2 | 3;
  /** Number of samples to use, and of judges, evenly chosen from all. Default 32. */
  photos?: number;
  /** Generations of evolution in each stage. Default 40. */
  generations?: number;
  /** Number of children of each generation. Default 16. */
  children?: number;
  /** Evolution ends after this many seconds of running networks. Default 200. */
  seconds?: number;
  /** Seed of all random choices. Default 1. The same seed gives the same result, unless time runs out. */
  seed?: number;
  costModel?: CostModel;
  /** How weights will be saved, to count bytes and to include the effect of rounding. Default f32. */
  weights?: WeightType;
  onProgress?: (progress: SearchProgress) => void;
}

export interface Baseline {
  distribution: Distribution;
  divergence: number;
  costs: Costs;
}

export interface SearchResult extends Baseline {
  /** `uniform` and `erk`, made and measured in the same way; and what the search found where one of those is better. */
  baselines: { [name: string]: Baseline };
  /** Which one the result is: `searched`, `uniform` or `erk`. */
  name: string;
  /** Number of runs of a network on a photo, whole or from some layer on. */
  runs: number;
  /** Time spent on candidates, and on running networks. */
  seconds: { candidates: number; networks: number };
  /** Whether time ran out before the last generation. */
  stopped: boolean;
}

/**
 * Searches for the distribution of sparsity over `layers` that changes the network's outputs least within a budget. A sparsity
 * budget counts these layers; all others count the whole network.
 * @param graph an optimised graph; not changed
 * @returns the sparsity of each layer, the predicted cost of the network, and the distance of its outputs from the dense
 * network's (see divergence.ts) on the judges, which is at most that of the uniform and the Erdős–Rényi distribution
 * @throws FiligreeError `invalid-argument` for invalid options and for a budget that cannot be met, naming the best possible;
 * the signal's reason
 */
export async function search(graph: Graph, layers: readonly Layer[], options: SearchOptions): Promise<SearchResult> {
  checkOptions(graph, layers, options);
  const { budget, stages = 2, generations = 40, children, seconds = 200, seed = 1 } = options;
  const total = options.ladder ? 1 : stages;
  const dense = denseCosts(graph, layers, options.costModel ?? defaultCostModel);
  const limit = cautious(limitOf(budget, dense));
  const random = new RandomNumbers(seedOf(seed, 'search'));
  const run = new Run(graph, layers, options, total);

  const step = async (
    evaluator: Evaluator,
    stage: number,
    starts: ReadonlyMap<string, Choice>,
    base: Choice,
  ): Promise<StageResult> => {
    const begin = performance.now();
    // the remaining stages share the remaining time
    const share = (seconds - run.seconds.networks) / (total - stage);
    return runStage(evaluator, {
      limit,
      base,
      starts,
      random,
      generations,
      children,
      isOver() {
        const isOver = (performance.now() - begin) / 1000 > share;
        run.stopped ||= isOver;
        return isOver;
      },
      onProgress: (phase, done, of, divergence) => run.report(phase, stage, done, of, { divergence }),
    });
  };

  let [best, baselines] = await run.with(firstRungs(layers, budget, options.ladder), 0, async (evaluator) => {
    const { candidates } = evaluator;
    checkReachable(graph, candidates, budget, limit, dense);
    const allDense = layers.map(() => 0);
    await evaluator.compareWith(allDense, options.comparison);
    const result = await step(evaluator, 0, firstStarts(layers, candidates, limit), allDense);
    const starts = [...result.starts].map(([name, start]) => [name, baselineOf(candidates, start)] as const);
    return [baselineOf(candidates, result), Object.fromEntries(starts) as SearchResult['baselines']];
  });
  for (let stage = 1; stage < total; stage++) {
    const { distribution } = best;
    best = await run.with(
      finerRungs(distribution),
      stage,
      async (evaluator) => {
        const { candidates } = evaluator;
        const base = candidates.ladders.map(({ layer, rungs }) => nearest(rungs, distribution.get(layer.name)!));
        return baselineOf(candidates, await step(evaluator, stage, new Map([['best', base]]), base));
      },
      { base: distribution },
    );
  }
  const { runs, stopped, seconds: spent } = run;
  if (total === 1) return { ...best, name: 'searched', baselines, runs, seconds: spent, stopped };
  const { searched, ...others } = await judged(run, { ...baselines, searched: best });
  const fitting = Object.entries({ searched, ...others }).filter(
    ([name, { costs }]) => name === 'searched' || isWithin(costs, limit),
  );
  const [name, result] = fitting.reduce((a, b) => (b[1].divergence < a[1].divergence ? b : a));
  const compared = name === 'searched' ? others : { ...others, searched };
  return { ...result, name, baselines: compared, runs: run.runs, seconds: run.seconds, stopped };
}

/** The same distributions made layer after layer, as pruning will make them, with their divergence on the judges. */
async function judged<Names extends string>(
  run: Run,
  distributions: Readonly<Record<Names, Baseline>>,
): Promise<Record<Names, Baseline>> {
  const only = run.layers.map(() => 0);
  const dense = new Map(run.layers.map(({ name }) => [name, [0]]));
  await run.with(dense, run.stages - 1, (evaluator) => evaluator.compareWith(only, run.comparison), { judges: true });
  const results = {} as Record<Names, Baseline>;
  for (const [name, { distribution }] of Object.entries<Baseline>(distributions)) {
    const rungs = new Map([...distribution].map(([layer, sparsity]) => [layer, [sparsity]]));
    const measure = async (evaluator: Evaluator): Promise<Baseline> => {
      const [divergence] = await evaluator.divergences([only], evaluator.allPhotos());
      return baselineOf(evaluator.candidates, { choice: only, divergence });
    };
    results[name as Names] = await run.with(rungs, run.stages - 1, measure, { base: distribution, judges: true });
  }
  return results;
}

/** Runs networks of one graph on the same photos, stage after stage. */
class Run {
  runs = 0;
  readonly seconds = { candidates: 0, networks: 0 };
  stopped = false;
  readonly layers: readonly Layer[];
  readonly stages: number;
  readonly #graph: Graph;
  readonly #options: SearchOptions;
  readonly #samples: SearchOptions['samples'];
  readonly #judges: SearchOptions['samples'];
  /** What the dense network's outputs on the samples, and on the judges, are kept in. */
  readonly #references: { samples?: Evaluator; judges?: Evaluator } = {};
  #divergence: number | undefined;

  constructor(graph: Graph, layers: readonly Layer[], options: SearchOptions, stages: number) {
    this.#graph = graph;
    this.layers = layers;
    this.#options = options;
    this.stages = stages;
    this.#samples = evenly(options.samples, options.photos ?? 32);
    this.#judges = evenly(options.judges ?? options.samples, options.photos ?? 32);
  }

  get comparison(): Comparison | undefined {
    return this.#options.comparison;
  }

  report(phase: SearchProgress['phase'], stage: number, done: number, total: number, more: Partial<SearchProgress>) {
    this.#divergence = more.divergence ?? this.#divergence;
    const divergence = this.#divergence;
    this.#options.onProgress?.({ phase, stage, stages: this.stages, done, total, ...more, divergence });
  }

  /** Makes candidates, and calls a function with an evaluator of them, on the samples or on the judges. */
  async with<T>(
    rungs: ReadonlyMap<string, readonly number[]>,
    stage: number,
    use: (evaluator: Evaluator) => Promise<T>,
    { base, judges = false }: { base?: Distribution; judges?: boolean } = {},
  ): Promise<T> {
    const { make, costModel, weights, signal } = this.#options;
    const begin = performance.now();
    const { candidates, alternatives } = await makeCandidates(this.#graph, this.layers, rungs, make, {
      base,
      costModel,
      weights,
      signal,
      onProgress: (done, total, layer) => this.report('candidates', stage, done, total, { layer }),
    });
    const middle = performance.now();
    this.seconds.candidates += (middle - begin) / 1000;
    const photos = judges ? this.#judges : this.#samples;
    const evaluator = await Evaluator.open(candidates, alternatives, photos, this.#options);
    try {
      const reference = (this.#references[judges ? 'judges' : 'samples'] ??= evaluator);
      if (reference !== evaluator) evaluator.compareAs(reference);
      return await use(evaluator);
    } finally {
      this.runs += evaluator.runs;
      evaluator.dispose();
      this.seconds.networks += (performance.now() - middle) / 1000;
    }
  }
}

/** A slightly lower limit, because networks remade from other photos have other zeros, and cost a little more or less. */
function cautious({ of, most }: Limit): Limit {
  return { of, most: of === 'ms' || of === 'bytes' ? 0.999 * most : most };
}

function checkOptions(graph: Graph, layers: readonly Layer[], options: SearchOptions): void {
  const { budget, samples, judges, ladder } = options;
  const invalid = (message: string) => new FiligreeError('invalid-argument', `${graph.name}: ${message}`);
  checkBudget(budget);
  if (layers.length === 0) throw invalid('no layers to search a distribution of sparsity for');
  if (samples.length === 0) throw invalid('a search needs calibration images: give samples');
  if (judges?.length === 0) throw invalid('judges: no images; leave them out to judge on samples');
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
  if (options.stages !== undefined && ![1, 2, 3].includes(options.stages)) {
    throw invalid(`stages ${String(options.stages)}: wanted 1, 2 or 3`);
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

/** Weights of prunable layers, and milliseconds on dense kernels. */
function denseCosts(graph: Graph, layers: readonly Layer[], costModel: CostModel): Pick<Costs, 'weights' | 'ms'> {
  const weights = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const { ms } = programCosts(lowerGraph(graph, costModel, { dense: true }), costModel).reduce(addCosts, noCosts);
  return { weights, ms };
}

/** @throws FiligreeError when the sparsest rungs of all ladders are not sparse enough */
function checkReachable(
  graph: Graph,
  candidates: LadderSet,
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

function baselineOf(candidates: LadderSet, { choice, divergence }: Scored): Baseline {
  const rungs = candidates.ladders.map((ladder, i) => [ladder.layer.name, ladder.rungs[choice[i]].sparsity] as const);
  return { distribution: new Map(rungs), divergence, costs: costsOfChoice(candidates, choice) };
}
