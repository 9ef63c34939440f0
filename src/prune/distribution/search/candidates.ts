// Makes every layer at several sparsities.
import { defaultCostModel } from '../../../lower/cost.ts';
import type { CostModel } from '../../../lower/cost-model.ts';
import { lowerGraph } from '../../../compile/lower-graph.ts';
import type { WeightType } from '../../../compile/rounding.ts';
import type { Graph } from '../../../graph/graph.ts';
import { addCosts, noCosts, programCosts } from '../budget.ts';
import type { Costs } from '../budget.ts';
import { weightsOf } from '../../layers.ts';
import type { Layer } from '../../layers.ts';
import { AlternativesBuilder } from './alternatives.ts';
import type { Alternatives } from './alternatives.ts';
import { replaceWeights, stitched } from './stitch.ts';
import type { Replacement } from './stitch.ts';

/** A layer pruned to some sparsity. */
export interface LayerVariant extends Replacement {
  /** See LayerOutcome.error. */
  readonly error?: number;
}

/**
 * Prunes one layer to several sparsities, which increase and are above 0.
 * @param pruned the network that makes the layer's inputs: the dense one, or one that is pruned already
 */
export type CandidateMaker = (
  layer: Layer,
  sparsities: readonly number[],
  pruned: Graph,
) => Promise<readonly LayerVariant[]> | readonly LayerVariant[];

/** Weights stored without their zeros. */
class CompactWeights {
  readonly #kept: Uint8Array;
  readonly #values: Float32Array;
  readonly #count: number;

  constructor(weights: Float32Array) {
    this.#count = weights.length;
    this.#kept = new Uint8Array(Math.ceil(weights.length / 8));
    let n = 0;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue;
      this.#kept[i >> 3] |= 1 << (i & 7);
      n++;
    }
    this.#values = new Float32Array(n);
    n = 0;
    for (const w of weights) if (w !== 0) this.#values[n++] = w;
  }

  expand(): Float32Array {
    const weights = new Float32Array(this.#count);
    for (let i = 0, n = 0; i < weights.length; i++) {
      if (this.#kept[i >> 3] & (1 << (i & 7))) weights[i] = this.#values[n++];
    }
    return weights;
  }
}

/** One layer at one sparsity, in little memory. */
export interface Rung {
  /** The requested sparsity, 0 … 1. */
  readonly sparsity: number;
  readonly error?: number;
  costs: Costs;
  readonly weights: CompactWeights;
  readonly bias?: Float32Array;
}

/** A layer with its alternatives, from dense (or the least sparse) to the sparsest. */
export interface Ladder {
  readonly layer: Layer;
  readonly rungs: readonly Rung[];
}

/** A rung of each ladder. */
export type Choice = readonly number[];

/** Ladders, and the costs of the network's other nodes. */
export interface LadderSet {
  readonly graph: Graph;
  readonly ladders: readonly Ladder[];
  readonly rest: Costs;
}

/**
 * Makes all candidates and lowers them. The cost of each is exactly its share of a network compiled with it.
 * @param sparsities of each layer, increasing; 0 is the unchanged layer
 * @param options.base a sparsity of each layer: every layer is fitted to its inputs when the layers before it have these. Together
 * they are the network that pruning layer after layer makes. Absent: every layer is fitted in the dense network.
 */
export async function makeCandidates(
  graph: Graph,
  layers: readonly Layer[],
  sparsities: ReadonlyMap<string, readonly number[]>,
  make: CandidateMaker,
  options: {
    base?: ReadonlyMap<string, number>;
    costModel?: CostModel;
    /** How weights will be saved. Networks run with weights rounded this way. */
    weights?: WeightType;
    signal?: AbortSignal;
    onProgress?: (done: number, total: number, layer: string) => void;
  } = {},
): Promise<{ candidates: LadderSet; alternatives: Alternatives }> {
  const { base, signal, onProgress } = options;
  const ladders: Ladder[] = [];
  const pruned = base ? stitched(graph, new Map()) : graph;
  for (const [i, layer] of layers.entries()) {
    signal?.throwIfAborted();
    onProgress?.(i, layers.length, layer.name);
    const wanted = sparsities.get(layer.name)!;
    const removing = wanted.filter((sparsity) => sparsity > 0);
    const made = [...(removing.length > 0 ? await make(layer, removing, pruned) : [])];
    if (removing.length < wanted.length) made.unshift({ weights: weightsOf(graph, layer) });
    const own = base && made[wanted.indexOf(base.get(layer.name)!)];
    if (own) replaceWeights(pruned, layer.name, own);
    const rungs = made.map(({ weights, bias, error }, j): Rung => {
      return { sparsity: wanted[j], error, costs: noCosts, weights: new CompactWeights(weights), bias };
    });
    ladders.push({ layer, rungs });
  }
  return lowered(graph, ladders, options);
}

async function lowered(
  graph: Graph,
  ladders: readonly Ladder[],
  {
    costModel = defaultCostModel,
    weights: saved,
    signal,
  }: { costModel?: CostModel; weights?: WeightType; signal?: AbortSignal },
) {
  const nodes = ladders.map(({ layer }) => graph.nodes.findIndex(({ name }) => name === layer.name));
  const others = graph.nodes.flatMap((_, node) => (nodes.includes(node) ? [] : [node]));
  const builder = new AlternativesBuilder(graph);
  let rest = noCosts;
  const most = Math.max(...ladders.map(({ rungs }) => rungs.length));
  for (let r = 0; r < most; r++) {
    signal?.throwIfAborted();
    await Promise.resolve();
    const present = ladders.flatMap(({ rungs }, i) => (r < rungs.length ? [i] : []));
    const program = lowerGraph(
      stitched(
        graph,
        replacementsOf(
          ladders,
          ladders.map(() => r),
        ),
      ),
      costModel,
      { weights: saved },
    );
    const costs = programCosts(program, costModel);
    for (const i of present) {
      const { layer, rungs } = ladders[i];
      const weights = (1 - rungs[r].sparsity) * layer.rows * layer.columns;
      rungs[r].costs = { ...costs[nodes[i]], weights };
    }
    if (r === 0) rest = others.reduce((sum, node) => addCosts(sum, costs[node]), noCosts);
    builder.add(program, new Set([...present.map((i) => nodes[i]), ...(r === 0 ? others : [])]));
  }
  return { candidates: { graph, ladders, rest }, alternatives: builder.build() };
}

/** Weights of the layers of a choice; ladders that end below it are left out. */
function replacementsOf(ladders: readonly Ladder[], choice: Choice): Map<string, Replacement> {
  return new Map(
    ladders.flatMap(({ layer, rungs }, i) => {
      const rung = rungs[choice[i]];
      return rung ? [[layer.name, { weights: rung.weights.expand(), bias: rung.bias }]] : [];
    }),
  );
}

/** The network with the weights of a choice. */
export function networkOf({ graph, ladders }: LadderSet, choice: Choice): Graph {
  return stitched(graph, replacementsOf(ladders, choice));
}

/** The cost of the network of a choice: a sum over layers. */
export function costsOfChoice({ ladders, rest }: LadderSet, choice: Choice): Costs {
  return ladders.reduce((sum, { rungs }, i) => addCosts(sum, rungs[choice[i]].costs), rest);
}
