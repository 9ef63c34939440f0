import { describe, expect, it } from 'vitest';
import { Edges } from '../../src/passes/match.ts';
import { constantRange, isNonNegative, type Interval, rangeAfter } from '../../src/passes/ranges.ts';
import { Dice } from '../differential/dice.ts';
import { build, feedsOf } from '../differential/network.ts';
import { evaluateAll } from '../differential/oracle.ts';
import { GraphBuilder } from '../graphs.ts';

const known = (build: (b: GraphBuilder, x: string) => string): boolean => {
  const b = new GraphBuilder();
  const y = build(b, b.input([1, 2, 4, 4]));
  return isNonNegative(new Edges(b.finish(y)), y);
};
const relu = { fn: 'clamp', alpha: 0, beta: Infinity } as const;

describe('isNonNegative', () => {
  it.each<[string, boolean, (b: GraphBuilder, x: string) => string]>([
    ['an input', false, (_, x) => x],
    ['relu', true, (b, x) => b.node('unary', relu, x)],
    ['a fused relu', true, (b, x) => b.conv2d(x, 2, 3, { activation: relu })],
    ['a convolution', false, (b, x) => b.conv2d(x, 2, 3)],
    ['a fused leaky relu', false, (b, x) => b.conv2d(x, 2, 3, { activation: { fn: 'leakyRelu', alpha: 0.1 } })],
    ['clamp below 0', false, (b, x) => b.node('unary', { fn: 'clamp', alpha: -3, beta: -1 }, b.node('unary', relu, x))],
    [
      'clamp to [−1, 1] of relu',
      true,
      (b, x) => b.node('unary', { fn: 'clamp', alpha: -1, beta: 1 }, b.node('unary', relu, x)),
    ],
    ['tanh of sigmoid', true, (b, x) => b.node('unary', { fn: 'tanh' }, b.node('unary', { fn: 'sigmoid' }, x))],
    ['log of sigmoid', false, (b, x) => b.node('unary', { fn: 'log' }, b.node('unary', { fn: 'sigmoid' }, x))],
    [
      'sum of relu and a positive number',
      true,
      (b, x) => b.node('binary', { fn: 'add' }, b.node('unary', relu, x), b.scalar(2)),
    ],
    [
      'sum of relu and a negative number',
      false,
      (b, x) => b.node('binary', { fn: 'add' }, b.node('unary', relu, x), b.scalar(-2)),
    ],
    [
      'difference',
      false,
      (b, x) => b.node('binary', { fn: 'sub' }, b.node('unary', relu, x), b.node('unary', { fn: 'exp' }, x)),
    ],
    ['concat with a negative', false, (b, x) => b.node('concat', { axis: 1 }, x, b.node('unary', relu, x))],
    [
      'concat of two',
      true,
      (b, x) => b.node('concat', { axis: 1 }, b.node('unary', { fn: 'exp' }, x), b.node('unary', relu, x)),
    ],
    [
      'pad with −1',
      false,
      (b, x) =>
        b.node(
          'pad',
          { before: [0, 0, 0, 1], after: [0, 0, 0, 0], mode: 'constant', value: -1 },
          b.node('unary', relu, x),
        ),
    ],
    ['softmax', true, (b, x) => b.node('softmax', { axis: 1, beta: 1 }, x)],
    ['transpose of relu', true, (b, x) => b.node('transpose', { permutation: [0, 2, 3, 1] }, b.node('unary', relu, x))],
  ])('of %s is %s', (_, expected, build) => expect(known(build)).toBe(expected));
});

describe('rangeAfter', () => {
  it('holds every number of random networks', () => {
    let bounded = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const dice = new Dice(seed);
      const graph = build({
        input: dice.one([
          [1, 4, 6, 5],
          [2, 6],
          [1, 3, 8, 8],
          [2, 3, 10],
        ] as const),
        seeds: Array.from({ length: 6 }, () => dice.below(2 ** 30)),
      });
      const values = evaluateAll(graph, feedsOf(graph, seed));
      const ranges = new Map<string, Interval>();
      const extremes = (data: Float32Array): Interval => ({
        low: data.reduce((least, v) => Math.min(least, v), Infinity),
        high: data.reduce((most, v) => Math.max(most, v), -Infinity),
      });
      for (const { value } of graph.inputs) ranges.set(value, extremes(values.get(value)!.data));
      for (const node of graph.nodes) {
        const range = rangeAfter(graph, node, (name) => ranges.get(name) ?? constantRange(graph, name));
        for (const name of node.outputs) {
          ranges.set(name, range);
          const { low, high } = extremes(values.get(name)!.data);
          if (!Number.isFinite(low) || !Number.isFinite(high)) continue;
          // f64 sums of float32 numbers are rounded to float32
          const slack = 1e-5 * Math.max(Math.abs(low), Math.abs(high), 1e-30);
          expect(range.low, `seed ${seed}, ${node.op} ${JSON.stringify(node.attributes)}`).toBeLessThanOrEqual(
            low + slack,
          );
          expect(range.high, `seed ${seed}, ${node.op} ${JSON.stringify(node.attributes)}`).toBeGreaterThanOrEqual(
            high - slack,
          );
          if (range.high - range.low < Infinity) bounded++;
        }
      }
    }
    expect(bounded).toBeGreaterThan(300);
  });
});
