import { describe, expect, it } from 'vitest';
import { mobilenetV2, yoloxNano } from '../../../../models/index.ts';
import { writeArtifact } from '../../../../src/artifact/write.ts';
import { lowerGraph } from '../../../../src/compile/lower-graph.ts';
import { defaultCostModel } from '../../../../src/lower/cost.ts';
import { checkProgram } from '../../../../src/program/check.ts';
import { loadModel } from '../../../../src/runtime/load.ts';
import { addCosts, noCosts, programCosts } from '../../../../src/prune/distribution/budget.ts';
import { prepared } from '../../../../src/prune/prepare.ts';
import { RandomNumbers } from '../../../../src/prune/random-numbers.ts';
import { weightsOf } from '../../../../src/prune/layers.ts';
import type { CandidateMaker } from '../../../../src/prune/distribution/search/candidates.ts';
import { costsOfChoice, makeCandidates, networkOf } from '../../../../src/prune/distribution/search/candidates.ts';
import { Evaluator } from '../../../../src/prune/distribution/search/evaluator.ts';
import { smallNetwork } from '../../networks.ts';
import { byMagnitude, prunable, samplesFor } from './pruned.ts';

const networks = {
  small: () => prepared(smallNetwork()),
  'MobileNetV2 of 64 pixels': () => prepared(mobilenetV2({ width: 0.25, resolution: 64, seed: 1 })),
  'YOLOX of 64 pixels': () => prepared(yoloxNano({ resolution: 64, seed: 1 })),
};

describe.each(Object.keys(networks) as (keyof typeof networks)[])('candidates of %s', (name) => {
  const graph = networks[name]();
  const layers = prunable(graph);
  const rungs = [0, 0.3, 0.6, 0.75, 0.9];
  // not all ladders are as long
  const sparsities = new Map(layers.map((layer, i) => [layer.name, rungs.slice(0, 3 + (i % 3))]));
  const made = makeCandidates(graph, layers, sparsities, byMagnitude(graph, 'group2'));
  const random = new RandomNumbers(3);
  const draw = () => layers.map(({ name: layer }) => random.below(sparsities.get(layer)!.length));

  it('are lowered to a program that checks', async () => {
    const { alternatives } = await made;
    expect(() => checkProgram(alternatives.program)).not.toThrow();
  });

  it('have the same cost as the network compiled with them', async () => {
    const { candidates } = await made;
    for (const choice of [layers.map(() => 0), draw(), draw()]) {
      const table = costsOfChoice(candidates, choice);
      const program = lowerGraph(networkOf(candidates, choice), defaultCostModel);
      const compiled = programCosts(program).reduce(addCosts, noCosts);
      expect(table.macs).toBe(compiled.macs);
      expect(table.bytes).toBe(compiled.bytes);
      expect(table.ms / compiled.ms).toBeCloseTo(1, 9); // sums in another order
      expect(table.weights).toBeCloseTo(
        layers.reduce((sum, { rows, columns }, i) => sum + (1 - rungs[choice[i]]) * rows * columns, 0),
        6,
      );
    }
  });

  it('give the outputs of the network compiled with them, to the bit', async () => {
    const { candidates, alternatives } = await made;
    const samples = samplesFor(graph, 5);
    const evaluator = await Evaluator.open(candidates, alternatives, samples);
    try {
      for (const choice of [layers.map(() => 0), draw()]) {
        const outputs = await evaluator.outputs(choice, evaluator.allPhotos());
        const model = await loadModel(writeArtifact(lowerGraph(networkOf(candidates, choice), defaultCostModel)));
        for (const [i, sample] of samples.entries()) {
          const wanted = Object.values(await model.run(sample));
          wanted.forEach(({ data }, output) => expect(outputs[i][output]).toEqual(data));
        }
        model.dispose();
      }
    } finally {
      evaluator.dispose();
    }
  });

  it('diverge equally whether shared parts run once or each time', async () => {
    const { candidates, alternatives } = await made;
    const evaluator = await Evaluator.open(candidates, alternatives, samplesFor(graph, 6), { threads: 1 });
    try {
      await evaluator.compareWith(layers.map(() => 0));
      const base = draw();
      for (const ladder of [0, layers.length >> 1, layers.length - 1]) {
        const own = [0, 1, 2];
        const shared = await evaluator.variants(base, ladder, own, [1, 3, 4, 5, 0]);
        const apart = await evaluator.divergences(
          own.map((rung) => base.with(ladder, rung)),
          [1, 3, 4, 5, 0],
        );
        expect(shared).toEqual(apart);
        expect(apart.every((divergence) => divergence > 0)).toBe(true);
      }
      const [same] = await evaluator.divergences([layers.map(() => 0)], evaluator.allPhotos());
      expect(same).toBe(0);
    } finally {
      evaluator.dispose();
    }
  });
});

describe('candidates', () => {
  it('are fitted to the outputs of the pruned layers before them, if there is a base', async () => {
    const graph = prepared(smallNetwork());
    const layers = prunable(graph);
    const sparsities = new Map(layers.map(({ name }, i) => [name, i === 1 ? [0, 0.7] : [0.3, 0.5, 0.7]]));
    const base = new Map(layers.map(({ name }, i) => [name, i === 1 ? 0 : 0.5]));
    const half = byMagnitude(graph);
    const made: string[] = [];
    const make: CandidateMaker = async (layer, wanted, pruned) => {
      for (const before of layers) {
        const isPruned = made.includes(before.name) && base.get(before.name) === 0.5;
        const [{ weights }] = isPruned ? await half(before, [0.5], graph) : [{ weights: weightsOf(graph, before) }];
        expect(weightsOf(pruned, before)).toEqual(weights);
      }
      made.push(layer.name);
      return half(layer, wanted, pruned);
    };
    await makeCandidates(graph, layers, sparsities, make, { base });
    expect(made).toEqual(layers.map(({ name }) => name));
  });
});
