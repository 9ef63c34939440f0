// Costs of a network if it were compiled now.
import { defaultCostModel } from '../../lower/cost.ts';
import type { CostModel } from '../../lower/cost-model.ts';
import type { WeightType } from '../../compile/rounding.ts';
import { lowerGraph } from '../../compile/lower-graph.ts';
import type { Graph } from '../../graph/graph.ts';
import { addCosts, noCosts, programCosts } from './budget.ts';
import type { Costs } from './budget.ts';
import type { Layer } from '../layers.ts';
import { weightsOf } from '../layers.ts';
import { sparsityOf } from '../patterns/masks.ts';

export interface NetworkCosts extends Costs {
  /** Costs of each node, by its name; `weights` is 0 except for the given layers. */
  layers: Map<string, Costs>;
}

/**
 * @param graph an optimised one
 * @param layers layers whose weights count
 */
export function costsOf(
  graph: Graph,
  layers: readonly Layer[],
  { costModel = defaultCostModel, weights }: { costModel?: CostModel; weights?: WeightType } = {},
): NetworkCosts {
  const costs = programCosts(lowerGraph(graph, costModel, { weights }), costModel);
  const kept = new Map(
    layers.map((layer) => {
      const own = weightsOf(graph, layer);
      return [layer.name, Math.round((1 - sparsityOf(own)) * own.length)];
    }),
  );
  const all = graph.nodes.map(({ name }, i) => [name, { ...costs[i], weights: kept.get(name) ?? 0 }] as const);
  return { ...all.reduce((sum, [, one]) => addCosts(sum, one), noCosts), layers: new Map(all) };
}
