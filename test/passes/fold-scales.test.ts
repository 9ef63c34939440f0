import { describe, expect, it } from 'vitest';
import { foldScales } from '../../src/passes/fold-scales.ts';
import { applyPass, GraphBuilder, nodeOf, ops } from '../graphs.ts';

/** Operators that are left of a graph. */
const left = (b: GraphBuilder, ...outputs: string[]) => ops(applyPass(b.finish(...outputs), foldScales).graph);
const relu = { fn: 'clamp', alpha: 0, beta: Infinity } as const;

describe('foldScales after a layer', () => {
  it('folds batch normalisation into a convolution, and takes its activation over', () => {
    const b = new GraphBuilder();
    const y = b.node(
      'binary',
      { fn: 'mul' },
      b.conv2d(b.input([2, 4, 5, 5]), 6, 3, { groups: 2 }),
      b.constant([6, 1, 1]),
    );
    const z = b.node('binary', { fn: 'add', activation: relu }, b.constant([1, 6, 1, 1]), y);
    const { graph } = applyPass(b.finish(z), foldScales);
    expect(ops(graph)).toEqual(['conv2d']);
    expect(nodeOf(graph, 'conv2d').attributes).toMatchObject({ activation: relu });
  });

  it.each(['mul', 'add', 'sub', 'div'] as const)('folds x %s constant', (fn) => {
    const b = new GraphBuilder();
    expect(left(b, b.node('binary', { fn }, b.conv2d(b.input([1, 2, 3, 3]), 3, 1), b.constant([3, 1, 1])))).toEqual([
      'conv2d',
    ]);
  });

  it.each([
    ['mul', ['conv2d']],
    ['add', ['conv2d']],
    ['sub', ['conv2d']],
    ['div', ['conv2d', 'binary']],
    ['max', ['conv2d', 'binary']],
    ['pow', ['conv2d', 'binary']],
  ] as const)('of constant %s x leaves %j', (fn, expected) => {
    const b = new GraphBuilder();
    expect(left(b, b.node('binary', { fn }, b.constant([1, 3, 1, 1]), b.conv2d(b.input([1, 2, 3, 3]), 3, 1)))).toEqual(
      expected,
    );
  });

  it('folds into a convolution without bias, and into a transposed one in groups', () => {
    const b = new GraphBuilder();
    const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] } as const;
    const x = b.node('conv2d', { ...geometry, groups: 1 }, b.input([1, 2, 3, 3]), b.constant([4, 2, 1, 1]));
    const y = b.node('binary', { fn: 'sub' }, x, b.constant([4, 1, 1]));
    const z = b.node(
      'convTranspose2d',
      { ...geometry, stride: [2, 1], outputPadding: [1, 0], groups: 2 },
      y,
      b.constant([4, 3, 2, 2]),
      b.constant([6]),
    );
    expect(left(b, b.node('binary', { fn: 'mul' }, z, b.constant([6, 1, 1])))).toEqual(['conv2d', 'convTranspose2d']);
  });

  it('folds into a linear layer, by its last axis', () => {
    const b = new GraphBuilder();
    const x = b.node('linear', {}, b.input([2, 4]), b.constant([3, 4]));
    expect(left(b, b.node('binary', { fn: 'mul' }, x, b.constant([3])))).toEqual(['linear']);
  });

  it('gives a layer weights of its own where others share them', () => {
    const b = new GraphBuilder();
    const [x, weights] = [b.input([2, 4]), b.constant([3, 4])];
    const y = b.node('binary', { fn: 'mul' }, b.node('linear', {}, x, weights), b.scalar(3));
    expect(left(b, y, b.node('linear', {}, x, weights))).toEqual(['linear', 'linear']);
  });

  it.each<[string, (b: GraphBuilder, conv: string) => string[]]>([
    [
      'the layer has another reader',
      (b, x) => [b.node('binary', { fn: 'mul' }, x, b.scalar(2)), b.node('unary', { fn: 'exp' }, x)],
    ],
    ['the layer is an output', (b, x) => [x, b.node('binary', { fn: 'mul' }, x, b.scalar(2))]],
    ['the constant is not one per channel', (b, x) => [b.node('binary', { fn: 'mul' }, x, b.constant([3, 1]))]],
    ['the constant widens the result', (b, x) => [b.node('binary', { fn: 'mul' }, x, b.constant([2, 3, 1, 1]))]],
    ['the operand is computed', (b, x) => [b.node('binary', { fn: 'mul' }, x, b.input([1, 3, 1, 1]))]],
    [
      'the result would not be finite',
      (b, x) => [b.node('binary', { fn: 'div' }, x, b.constant([3, 1, 1], [1, 0, 2]))],
    ],
  ])('leaves the node where %s', (_, build) => {
    const b = new GraphBuilder();
    expect(applyPass(b.finish(...build(b, b.conv2d(b.input([1, 2, 3, 3]), 3, 1))), foldScales).changed).toBe(false);
  });

  it('leaves scales after an activation', () => {
    const b = new GraphBuilder();
    const x = b.conv2d(b.input([1, 2, 3, 3]), 3, 1, { activation: relu });
    expect(applyPass(b.finish(b.node('binary', { fn: 'mul' }, x, b.scalar(2))), foldScales).changed).toBe(false);
  });
});

describe('foldScales before a layer', () => {
  it('folds mean and deviation of an image into a convolution that does not pad', () => {
    const b = new GraphBuilder();
    const x = b.node('binary', { fn: 'sub' }, b.input([1, 4, 5, 5]), b.constant([4, 1, 1]));
    const y = b.node('binary', { fn: 'div' }, x, b.constant([4, 1, 1]));
    const graph = b.finish(b.conv2d(y, 6, 3, { pads: [0, 0, 0, 0], groups: 2 }));
    expect(ops(applyPass(graph, (g) => foldScales(g) && foldScales(g)).graph)).toEqual(['conv2d']);
  });

  it('folds a factor, not a shift, into a convolution that pads', () => {
    const scaled = new GraphBuilder();
    const x = scaled.node('binary', { fn: 'mul' }, scaled.input([1, 4, 5, 5]), scaled.constant([4, 1, 1]));
    expect(left(scaled, scaled.conv2d(x, 6, 3))).toEqual(['conv2d']);
    const shifted = new GraphBuilder();
    const y = shifted.node('binary', { fn: 'add' }, shifted.input([1, 4, 5, 5]), shifted.constant([4, 1, 1]));
    expect(left(shifted, shifted.conv2d(y, 6, 3))).toEqual(['binary', 'conv2d']);
  });

  it('folds into a linear layer', () => {
    const b = new GraphBuilder();
    const x = b.node('binary', { fn: 'sub' }, b.constant([4]), b.input([2, 4]));
    expect(left(b, b.node('linear', {}, x, b.constant([3, 4])))).toEqual(['linear']);
  });

  it('leaves a node with an activation, or with another reader', () => {
    const b = new GraphBuilder();
    const x = b.node('binary', { fn: 'mul', activation: relu }, b.input([1, 4, 5, 5]), b.scalar(2));
    expect(left(b, b.conv2d(x, 6, 3))).toEqual(['binary', 'conv2d']);
    const other = new GraphBuilder();
    const y = other.node('binary', { fn: 'mul' }, other.input([1, 4, 5, 5]), other.scalar(2));
    expect(left(other, other.conv2d(y, 6, 3), other.node('unary', { fn: 'exp' }, y))).toEqual([
      'binary',
      'conv2d',
      'unary',
    ]);
  });
});
