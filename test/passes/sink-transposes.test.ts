import { describe, expect, it } from 'vitest';
import { optimise } from '../../src/passes/index.ts';
import { sinkTransposes } from '../../src/passes/sink-transposes.ts';
import { applyPass, cloneGraph, expectSameResults, GraphBuilder, nodeOf, ops } from '../graphs.ts';

const toNhwc = { permutation: [0, 2, 3, 1] };
const toNchw = { permutation: [0, 3, 1, 2] };

/** The operators left by all passes, between a transpose to NHWC and one back. */
function betweenPair(build: (b: GraphBuilder, x: string) => string, shape = [1, 3, 4, 5]): string[] {
  const b = new GraphBuilder();
  const x = b.conv2d(b.input(shape), 3, 1);
  const y = build(b, b.node('transpose', toNhwc, x));
  const graph = b.finish(b.conv2d(b.node('transpose', toNchw, y), 2, 1));
  const result = cloneGraph(graph);
  optimise(result, { check: true });
  expectSameResults(result, graph);
  return ops(result);
}

describe('sinkTransposes', () => {
  it.each<[string, (b: GraphBuilder, x: string) => string, string[]]>([
    ['unary functions', (b, x) => b.node('unary', { fn: 'exp' }, x), ['conv2d', 'conv2d']],
    [
      'a gate',
      (b, x) => b.node('binary', { fn: 'mul' }, x, b.node('unary', { fn: 'tanh' }, x)),
      ['conv2d', 'unary', 'binary', 'conv2d'],
    ],
    [
      'channel constants',
      (b, x) => b.node('binary', { fn: 'pow' }, b.node('unary', { fn: 'abs' }, x), b.constant([3], [1.5, 2, 0.5])),
      ['conv2d', 'binary', 'conv2d'],
    ],
    [
      'full constants',
      (b, x) => b.node('binary', { fn: 'min' }, b.constant([4, 5, 3]), x),
      ['conv2d', 'binary', 'conv2d'],
    ],
    [
      'concat on channels',
      (b, x) => b.node('concat', { axis: 3 }, x, b.node('unary', { fn: 'neg' }, x)),
      ['conv2d', 'unary', 'concat', 'conv2d'],
    ],
    [
      'concat with a constant',
      (b, x) => b.node('concat', { axis: 1 }, x, b.constant([1, 2, 5, 3])),
      ['conv2d', 'concat', 'conv2d'],
    ],
    [
      'pad',
      (b, x) => b.node('pad', { before: [0, 1, 0, 0], after: [0, 0, 2, 0], mode: 'edge', value: 0 }, x),
      ['conv2d', 'pad', 'conv2d'],
    ],
    [
      'slice',
      (b, x) => b.node('slice', { starts: [0, 1, 4, 0], sizes: [1, 2, 2, 3], steps: [1, 1, -2, 1] }, x),
      ['conv2d', 'slice', 'conv2d'],
    ],
    ['softmax', (b, x) => b.node('softmax', { axis: 3, beta: 1 }, x), ['conv2d', 'softmax', 'conv2d']],
    [
      'reduce',
      (b, x) => b.node('reduce', { fn: 'max', axes: [1, 3], keepDims: true }, x),
      ['conv2d', 'reduce', 'conv2d'],
    ],
  ])('lets a pair cancel across %s', (_, build, left) => expect(betweenPair(build)).toEqual(left));

  it('lets pairs cancel across a split and a join', () => {
    const left = betweenPair((b, x) => {
      const [p, q] = b.nodes('split', { axis: 3, sizes: [1, 2] }, [x], 2);
      return b.node('concat', { axis: 3 }, q, b.node('unary', { fn: 'exp' }, p));
    });
    expect(left).toEqual(['conv2d', 'split', 'unary', 'concat', 'conv2d']);
  });

  it('moves two transposes behind the node that joins them', () => {
    const b = new GraphBuilder();
    const x = b.node('transpose', toNhwc, b.input([1, 3, 4, 5]));
    const y = b.node('transpose', toNhwc, b.input([1, 3, 4, 1]));
    const { graph } = applyPass(b.finish(b.node('binary', { fn: 'add' }, x, y)), sinkTransposes);
    expect(ops(graph)).toEqual(['binary', 'transpose']);
    expect(nodeOf(graph, 'binary').inputs).toEqual(['input0', 'input1']);
  });

  it('moves one behind a unary function, out of the way of fusion', () => {
    const b = new GraphBuilder();
    const x = b.conv2d(b.input([1, 3, 4, 5]), 2, 1);
    const graph = b.finish(b.node('unary', { fn: 'sigmoid' }, b.node('transpose', toNhwc, x)));
    expect(ops(applyPass(graph, sinkTransposes).graph)).toEqual(['conv2d', 'unary', 'transpose']);
  });

  it.each<[string, (b: GraphBuilder, x: string) => string[]]>([
    ['it is an output as well', (b, x) => [x, b.node('unary', { fn: 'exp' }, x)]],
    ['there would be more of them', (b, x) => [b.node('unary', { fn: 'exp' }, x), b.node('unary', { fn: 'neg' }, x)]],
    ['it would move more elements', (b, x) => [b.node('binary', { fn: 'add' }, x, b.constant([2, 4, 5, 3]))]],
    [
      'the other operand has its axes in another order',
      (b, x) => [b.node('binary', { fn: 'add' }, x, b.input([1, 4, 5, 3]))],
    ],
    ['the other operand has fewer axes', (b, x) => [b.node('binary', { fn: 'add' }, x, b.input([3]))]],
    ['axes go away', (b, x) => [b.node('reduce', { fn: 'max', axes: [1], keepDims: false }, x)]],
    ['axes are merged', (b, x) => [b.node('reshape', { shape: [1, 20, 3] }, x)]],
  ])('leaves a transpose where %s', (_, build) => {
    const b = new GraphBuilder();
    const x = b.node('transpose', toNhwc, b.input([1, 3, 4, 5]));
    expect(applyPass(b.finish(...build(b, x)), sinkTransposes).changed).toBe(false);
  });
});
