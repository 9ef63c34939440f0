import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importModel } from '../../../src/compile.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { groupAlike, groupEvenly } from '../../../src/prune/channels/grouping.ts';
import { keptShare } from '../../../src/prune/channels/kept.ts';
import { permuteChannels } from '../../../src/prune/channels/permute.ts';
import { channelSpaces } from '../../../src/prune/channels/spaces.ts';
import { type Layer, layersOf, setWeights, weightsOf } from '../../../src/prune/layers.ts';
import { magnitudeScores } from '../../../src/prune/criteria/magnitude-scores.ts';
import { blocksToKeep, select } from '../../../src/prune/patterns/masks.ts';
import { blocksOf, patternNamed } from '../../../src/prune/patterns/patterns.ts';
import { prepared } from '../../../src/prune/prepare.ts';
import { RandomNumbers } from '../../../src/prune/random-numbers.ts';
import { rearrange } from '../../../src/prune/channels/rearrange.ts';
import { describeWithData } from '../../data.ts';
import { expectSameResults, GraphBuilder } from '../../graphs.ts';
import { builds, randomFloats, relativeError } from '../../kernels/wasm.ts';
import { loadGraph, randomInputs } from '../../program.ts';
import { networkNames, smallNetwork } from './networks.ts';

/** The mean share of their energy that layers keep. */
function energyKept(graph: Graph, layers: readonly Layer[], name: string, sparsity: number): number {
  const shares = layers.map((layer) => {
    const weights = weightsOf(graph, layer);
    const { blocks } = blocksOf(patternNamed(name), layer);
    const mask = select(magnitudeScores(weights, blocks), blocks, blocksToKeep(blocks, sparsity));
    const energy = (isKept: (i: number) => boolean) => weights.reduce((sum, w, i) => sum + (isKept(i) ? w * w : 0), 0);
    return energy((i) => mask[i] === 1) / energy(() => true);
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

const pruned = (graph: Graph) => layersOf(graph).filter(({ exempt }) => !exempt);
const everywhere = (layers: readonly Layer[], sparsity: number) => new Map(layers.map(({ name }) => [name, sparsity]));

describe('rearranging a network', () => {
  it.each(networkNames)('%s keeps more energy in groups, and its results', (name) => {
    const graph = smallNetwork(name);
    const layers = pruned(graph);
    for (const pattern of ['group2', 'group4', '2:4', 'inputs4']) {
      const result = rearrange(graph, { pattern: { name: pattern }, sparsity: everywhere(layers, 0.6) });
      expect(result.permutations.size).toBeGreaterThan(4);
      expect(permuteChannels(graph, result.permutations)).toEqual(result.graph);
      for (const { before, after } of result.kept.values()) expect(after).toBeGreaterThan(before);
      if (pattern === 'inputs4') continue;
      const [before, after] = [graph, result.graph].map((g) => energyKept(g, layers, pattern, 0.6));
      expect(after).toBeGreaterThan(before + 0.01);
    }
    const { graph: rearranged } = rearrange(graph, { pattern: { name: 'group4' }, sparsity: everywhere(layers, 0.6) });
    expectSameResults(rearranged, graph, 3e-5); // sums in another order, through tens of layers
  });

  it('gives the same graph where nothing can be gained', () => {
    const graph = smallNetwork('mobilenet-v2');
    const sparsity = everywhere(pruned(graph), 0.5);
    for (const name of ['unstructured', 'kernel', 'channel', '4:4']) {
      expect(rearrange(graph, { pattern: { name }, sparsity })).toMatchObject({ graph, permutations: new Map() });
    }
    expect(rearrange(graph, { pattern: { name: 'group2' }, sparsity: new Map() }).graph).toBe(graph);
  });

  it('is the same every time', () => {
    const graph = smallNetwork('yolox-nano');
    const find = () => rearrange(graph, { pattern: { name: 'group4' }, sparsity: everywhere(pruned(graph), 0.7) });
    expect(find().permutations).toEqual(find().permutations);
  });

  it('finds rows of one pattern again, through a depthwise convolution and a residual', () => {
    const random = new RandomNumbers(1);
    const b = new GraphBuilder();
    const x = b.conv2d(b.input([1, 3, 4, 4]), 32, 1);
    const y = b.conv2d(b.conv2d(x, 32, 3, { groups: 32 }), 32, 1);
    const graph = b.finish(b.conv2d(b.node('binary', { fn: 'add' }, x, y), 3, 1));
    const layer = layersOf(graph).find(
      ({ name, kind, rows }) => kind === 'pointwise' && rows === 32 && name !== 'conv2d0',
    )!;
    // rows i, i + 8, i + 16, i + 24 keep the same quarter of the inputs
    const places = Int32Array.from({ length: 32 }, (_, i) => i);
    const patterns = Array.from({ length: 8 }, () => new Set(random.shuffle(places.slice()).subarray(0, 8)));
    const weights = Float32Array.from({ length: 1024 }, (_, i) =>
      patterns[(i >> 5) % 8].has(i % 32) ? 1 + random.uniform() : 0.01 * random.normal(),
    );
    setWeights(graph, layer, weights);
    const sparsity = new Map([[layer.name, 0.75]]);
    const { graph: rearranged } = rearrange(graph, { pattern: { name: 'group4' }, sparsity });
    expect(energyKept(graph, [layer], 'group4', 0.75)).toBeLessThan(0.7);
    expect(energyKept(rearranged, [layer], 'group4', 0.75)).toBeGreaterThan(0.999);
    expectSameResults(rearranged, graph, 1e-6);
  });

  it('weights energies by those of the inputs', () => {
    const b = new GraphBuilder();
    const x = b.conv2d(b.input([1, 2, 2, 2]), 4, 1);
    const graph = b.finish(b.conv2d(x, 2, 1));
    const [layer] = layersOf(graph);
    // rows 0 and 2 share the first input, 0 and 3 the second one
    setWeights(graph, layer, Float32Array.of(1, 1, 0, 0, 1, 0, 0, 1));
    const find = (...inputs: number[]) =>
      rearrange(graph, {
        pattern: { name: 'group2' },
        sparsity: new Map([[layer.name, 0.75]]),
        inputEnergies: new Map([[layer.name, inputs]]),
      }).permutations.get(layer.name);
    expect(find(9, 1)).toEqual(Int32Array.of(0, 2, 1, 3));
    expect(find(1, 9)).toEqual(Int32Array.of(0, 3, 1, 2));
  });
});

describe('groups', () => {
  const energies = (count: number, positions: number, seed: number, sparsity: number) => {
    const random = new RandomNumbers(seed);
    const data = Float32Array.from({ length: count * positions }, () => random.normal() ** 2);
    return { count, positions, data, layers: [{ end: positions, sparsity }] };
  };

  it.each([
    [7, 2],
    [16, 4],
    [33, 4],
    [50, 16],
    [3, 4],
    [1, 2],
  ])('of %i things, %i each, hold every thing once', (count, size) => {
    const ascending = Int32Array.from({ length: count }, (_, i) => i);
    expect(groupAlike(energies(count, 9, 1, 0.5), size).toSorted()).toEqual(ascending);
    expect(groupEvenly(energies(count, 9, 1, 0.5), 1, size).toSorted()).toEqual(ascending);
  });

  it('in pairs are near the best pairs', () => {
    for (let seed = 0; seed < 20; seed++) {
      const some = energies(8, 12, seed, 0.7);
      const best = Math.max(...matchings([0, 1, 2, 3, 4, 5, 6, 7]).map((order) => keptShare(some, { size: 2 }, order)));
      expect(keptShare(some, { size: 2 }, groupAlike(some, 2))).toBeGreaterThan(0.95 * best);
    }
  });

  it('share out energy evenly for N:M', () => {
    // two large ones side by side, then none: 1:2 keeps half of what it could
    const data = Float32Array.from({ length: 16 }, (_, thing) => (thing % 4 < 2 ? 1 : 0));
    const some = { count: 16, positions: 1, data, layers: [{ end: 1, sparsity: 0.5 }] };
    expect(keptShare(some, { size: 2, kept: 1 })).toBe(0.5);
    expect(keptShare(some, { size: 2, kept: 1 }, groupEvenly(some, 1, 2))).toBe(1);
  });
});

/** Every way to put things into pairs. */
function matchings(things: number[]): number[][] {
  if (things.length === 0) return [[]];
  const [first, ...rest] = things;
  return rest.flatMap((partner) =>
    matchings(rest.filter((thing) => thing !== partner)).map((order) => [first, partner, ...order]),
  );
}

for (const file of ['mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_dequantised.onnx', 'yolox_nano_coco/yolox_nano.onnx']) {
  describeWithData(file.split('/')[1], `models/${file}`, (path) => {
    it('is rearranged whole, in groups of 4', async () => {
      const graph = prepared(importModel(new Uint8Array(readFileSync(path)), 'model'));
      const layers = pruned(graph);
      const { graph: rearranged, permutations } = rearrange(graph, {
        pattern: { name: 'group4' },
        sparsity: everywhere(layers, 0.7),
      });
      const free = channelSpaces(graph).filter((space) => space.fixed === undefined && space.size > 4);
      expect(permutations.size).toBeGreaterThan(0.8 * free.length);
      expect(energyKept(rearranged, layers, 'group4', 0.7)).toBeGreaterThan(
        energyKept(graph, layers, 'group4', 0.7) + 0.05,
      );
      const inputs = randomInputs(graph, randomFloats(3));
      const [found, wanted] = await Promise.all(
        [rearranged, graph].map(async (g) => {
          const model = await loadGraph(g, builds[0]);
          const outputs = await model.run(inputs);
          model.dispose();
          return outputs;
        }),
      );
      for (const [output, { data }] of Object.entries(wanted)) {
        // float32 sums in another order, through up to 90 layers
        expect(relativeError(found[output].data as Float32Array, data as Float32Array)).toBeLessThan(1e-4);
      }
    });
  });
}
