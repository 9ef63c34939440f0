// Minimises a failure: prints the smallest network that still fails, as code that builds it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { graphAsCode } from '../graph-code.ts';
import { Dice } from './dice.ts';
import { minimise } from './minimise.ts';
import { build, feedsOf, recipes, type Feeds } from './network.ts';
import { evaluateAll } from './oracle.ts';
import { drawSetting, plainSetting } from './trial.ts';

type Built = { graph: ReturnType<typeof build>; feeds: Feeds };

/** Runs what graphAsCode prints. */
function built(code: string): Built {
  return new Function('GraphBuilder', 'Tensor', `${code}\nreturn { graph, feeds };`)(GraphBuilder, Tensor) as Built;
}

describe('graphs as code', () => {
  it('build the same network on the same inputs', () => {
    const sample = fc.sample(recipes, { numRuns: 25, seed: 5 });
    for (const recipe of sample) {
      const graph = build(recipe);
      const feeds = feedsOf(graph);
      const again = built(graphAsCode(graph, feeds));
      expect(Object.values(evaluate(again.graph, again.feeds))).toEqual(Object.values(evaluate(graph, feeds)));
    }
  });
});

describe('minimise', () => {
  // stands for a fault of strided convolutions with negative sums and three outputs or more
  const fails = ({ graph, feeds }: Built) => {
    const values = evaluateAll(graph, feeds);
    return graph.nodes.some(({ op, attributes, outputs }) => {
      const strided = (attributes as { stride?: number[] }).stride?.some((s) => s > 1);
      const { shape, data } = values.get(outputs[0])!;
      return op === 'conv2d' && strided && shape[1] > 2 && data.some((v) => v < -0.25);
    });
  };

  it('leaves one layer of a network in which one fails', async () => {
    const recipe = fc.sample(recipes, { numRuns: 2000, seed: 3 }).find(({ seeds, input }) => {
      if (seeds.length < 8 || input.length !== 4) return false;
      const graph = build({ seeds, input });
      return graph.nodes.length > 8 && fails({ graph, feeds: feedsOf(graph) });
    })!;
    const graph = build(recipe);
    const failure = { graph, feeds: feedsOf(graph), setting: drawSetting(new Dice(1)) };
    const smallest = await minimise(failure, plainSetting, async (candidate) => fails(candidate));
    expect(smallest.graph.nodes).toHaveLength(1);
    expect(smallest.setting).toEqual(plainSetting);
    const [node] = smallest.graph.nodes;
    expect(node.inputs).toHaveLength(2);
    // groups of channels are not taken apart
    expect(smallest.graph.values.get(node.outputs[0])!.shape.slice(2)).toEqual([1, 1]);
    expect(fails(built(graphAsCode(smallest.graph, smallest.feeds)))).toBe(true);
  });
});
