import { describe, expect, it } from 'vitest';
import { layersOf, weightsOf } from '../../../src/prune/layers.ts';
import { permuteChannels } from '../../../src/prune/channels/permute.ts';
import { channelSpaces, type ChannelSpace } from '../../../src/prune/channels/spaces.ts';
import { cloneGraph, expectSameResults, GraphBuilder } from '../../graphs.ts';
import { RandomNumbers } from '../../../src/prune/random-numbers.ts';
import { networkNames, randomGraph, smallNetwork } from './networks.ts';

function shuffled(spaces: readonly ChannelSpace[], seed: number): Map<string, Int32Array> {
  const random = new RandomNumbers(seed);
  const free = spaces.filter(
    ({ size, ...space }) => space.fixed === undefined && space.rigid === undefined && size > 1,
  );
  return new Map(free.map(({ name, size }) => [name, random.shuffle(Int32Array.from({ length: size }, (_, i) => i))]));
}

describe('permuting channels', () => {
  it.each(networkNames)('of %s leaves its results', (name) => {
    const graph = smallNetwork(name);
    const permutations = shuffled(channelSpaces(graph), 5);
    expect(permutations.size).toBeGreaterThan(10);
    const permuted = permuteChannels(graph, permutations);
    const same = layersOf(graph).filter((layer) => {
      const [a, b] = [weightsOf(graph, layer), weightsOf(permuted, layer)];
      return a.every((w, i) => w === b[i]);
    });
    // but for distances that YOLOv8's head sums, and shuffles that change nothing
    expect(same.length).toBeLessThan(2);
    // sums in another order, through tens of layers
    expectSameResults(permuted, graph, 3e-5);
  });

  it.each(Array.from({ length: 100 }, (_, seed) => seed))('of random graph %i leaves its results', (seed) => {
    const graph = randomGraph(seed);
    const before = cloneGraph(graph);
    expectSameResults(permuteChannels(graph, shuffled(channelSpaces(graph), seed)), graph, 3e-6);
    expect(graph).toEqual(before);
  });

  it('and back again is the identity', () => {
    const graph = smallNetwork('yolov8n');
    const permutations = shuffled(channelSpaces(graph), 1);
    const back = new Map(
      Array.from(permutations, ([name, there]) => {
        const inverse = new Int32Array(there.length);
        there.forEach((from, to) => (inverse[from] = to));
        return [name, inverse];
      }),
    );
    const again = permuteChannels(permuteChannels(graph, permutations), back);
    for (const layer of layersOf(graph)) expect(weightsOf(again, layer)).toEqual(weightsOf(graph, layer));
  });

  it('refuses spaces that cannot be permuted, by name', () => {
    const b = new GraphBuilder();
    const x = b.conv2d(b.conv2d(b.conv2d(b.input([1, 3, 4, 4]), 4, 1), 4, 1, { groups: 2 }), 2, 1);
    const graph = b.finish(x);
    const permute =
      (name: string, ...order: number[]) =>
      () =>
        permuteChannels(graph, new Map([[name, Int32Array.from(order)]]));
    expect(permute('conv2d2', 1, 0)).toThrow('the channels of "conv2d2" stay: is the output "output0"');
    expect(permute('conv2d0', 1, 0)).toThrow(
      'the channels of "conv2d0" stay: channels of the same layer are used as one',
    );
    expect(permute('conv2d9', 1, 0)).toThrow('there is no channel space "conv2d9"');
  });
});
