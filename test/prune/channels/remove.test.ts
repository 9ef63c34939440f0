import { describe, expect, it } from 'vitest';
import { addConstant } from '../../../src/graph/edit.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { valueOf } from '../../../src/graph/graph.ts';
import { verify } from '../../../src/graph/verify.ts';
import { layersOf, nodeOf, setWeights, weightsOf } from '../../../src/prune/layers.ts';
import { removeChannels } from '../../../src/prune/channels/remove.ts';
import { channelSpaces, type ChannelSpace } from '../../../src/prune/channels/spaces.ts';
import { cloneGraph, expectSameResults, GraphBuilder } from '../../graphs.ts';
import { dice, networkNames, randomGraph, smallNetwork } from './networks.ts';

type Choice = Map<string, number[]>;

/** Some channels of every space that has any to give; two stay, since one alone would be fixed. */
function someChannels(spaces: readonly ChannelSpace[], seed: number): Choice {
  const pick = dice(seed);
  const free = spaces.filter((space) => space.fixed === undefined && space.size > 2);
  return new Map(
    free.map(({ name, size }) => {
      const kept = pick(size);
      return [
        name,
        [...Array(size).keys()].filter((channel) => channel !== kept && channel !== (kept + 1) % size && pick(2) === 1),
      ];
    }),
  );
}

/** A copy in which what makes these channels is followed by a multiplication that makes them zero. */
function masked(graph: Graph, removed: Choice): Graph {
  const copy = cloneGraph(graph);
  for (const { name, producers, depthwise } of channelSpaces(graph)) {
    for (const { layer, positions } of [...producers, ...depthwise]) {
      const node = nodeOf(copy, { name: layer });
      const [y] = node.outputs;
      const { shape } = valueOf(copy, y);
      const axis = shape.length === 4 ? 1 : shape.length - 1;
      const mask = new Float32Array(shape[axis]).fill(1);
      for (const channel of removed.get(name) ?? []) for (const position of positions[channel]) mask[position] = 0;
      const constant = addConstant(
        copy,
        `${y}/mask`,
        shape.length === 4 ? [1, mask.length, 1, 1] : [mask.length],
        mask,
      );
      const raw = `${y}/raw/${copy.nodes.length}`;
      copy.values.set(raw, { name: raw, shape, dtype: 'float32' });
      node.outputs = [raw];
      const at = copy.nodes.indexOf(node) + 1;
      const attributes = { fn: 'mul' };
      copy.nodes.splice(at, 0, { name: raw, op: 'binary', inputs: [raw, constant], outputs: [y], attributes });
    }
  }
  verify(copy);
  return copy;
}

/** A copy in which no layer reads these channels: its weights for them are zero. */
function unread(graph: Graph, removed: Choice): Graph {
  const copy = cloneGraph(graph);
  for (const { name, consumers } of channelSpaces(graph)) {
    for (const { layer, positions } of consumers) {
      const weights = weightsOf(copy, { name: layer }).slice();
      const { shape, groups, columns } = layersOf(copy).find((candidate) => candidate.name === layer)!;
      const [rows, inputs, kh, kw] = shape;
      for (const position of (removed.get(name) ?? []).flatMap((channel) => [...positions[channel]])) {
        for (let row = 0; row < rows; row++) {
          const first = Math.floor(row / (rows / groups)) * inputs;
          if (position < first || position >= first + inputs) continue;
          weights.fill(
            0,
            row * columns + (position - first) * kh * kw,
            row * columns + (position - first + 1) * kh * kw,
          );
        }
      }
      setWeights(copy, { name: layer }, weights);
    }
  }
  return copy;
}

const channelCount = (graph: Graph) => channelSpaces(graph).reduce((sum, { size }) => sum + size, 0);

describe('removing channels', () => {
  it.each(networkNames)('of %s leaves the results that it has with those channels zero', (name) => {
    const graph = smallNetwork(name);
    const spaces = channelSpaces(graph);
    const removed = someChannels(spaces, 3);
    const smaller = removeChannels(graph, removed);
    const gone = [...removed.values()].flat().length;
    expect(gone).toBeGreaterThan(20);
    expect(channelCount(smaller)).toBe(channelCount(graph) - gone);
    // terms left out of sums are exactly 0
    expectSameResults(smaller, masked(graph, removed), 0);
  });

  it.each(Array.from({ length: 100 }, (_, seed) => seed))('of random graph %i leaves its results', (seed) => {
    const graph = randomGraph(seed);
    const before = cloneGraph(graph);
    const spaces = channelSpaces(graph);
    for (let round = 0; round < 2; round++) {
      const removed = someChannels(spaces, seed + 1000 * round);
      expectSameResults(removeChannels(graph, removed), unread(graph, removed), 0);
    }
    expect(graph).toEqual(before);
  });

  it('of none is the identity', () => {
    const graph = smallNetwork('mobilenet-v2');
    const same = removeChannels(graph, new Map(channelSpaces(graph).map(({ name }) => [name, []])));
    expect(same).toEqual(graph);
  });

  it('random graphs have channels to remove after every operator', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const graph = randomGraph(seed);
      const removed = someChannels(channelSpaces(graph), seed);
      const smaller = removeChannels(graph, removed);
      for (const { op, outputs } of graph.nodes) {
        if (outputs.some((y) => valueOf(graph, y).shape.join() !== valueOf(smaller, y).shape.join())) seen.add(op);
      }
    }
    const wanted = ['conv2d', 'binary', 'unary', 'concat', 'split', 'slice', 'pad', 'gather', 'spaceToDepth'];
    expect([...seen]).toEqual(
      expect.arrayContaining([...wanted, 'depthToSpace', 'maxPool', 'resize', 'reshape', 'reduce', 'linear']),
    );
  });

  it('refuses channels that cannot be removed, by name', () => {
    const b = new GraphBuilder();
    const x = b.conv2d(b.conv2d(b.input([1, 3, 4, 4]), 4, 1), 2, 1);
    const graph = b.finish(x);
    const remove =
      (name: string, ...channels: number[]) =>
      () =>
        removeChannels(graph, new Map([[name, channels]]));
    expect(remove('conv2d1', 0)).toThrow('the channels of "conv2d1" stay: is the output "output0"');
    expect(remove('conv2d7', 0)).toThrow('there is no channel space "conv2d7"');
    expect(remove('conv2d0', 4)).toThrow('"conv2d0" has channels 0 … 3, none is 4');
    expect(remove('conv2d0', 0, 1, 2, 3)).toThrow('would keep none');
    expect(remove('conv2d0', 0, 1, 2)).not.toThrow();
  });
});
