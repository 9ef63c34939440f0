import { describe, expect, it } from 'vitest';
import type { Activation } from '../../src/program/activations.ts';
import { fuseActivations } from '../../src/passes/fuse-activations.ts';
import { applyPass, GraphBuilder, ops } from '../graphs.ts';

const sigmoid: Activation = { fn: 'sigmoid' };
const clamp = (alpha: number, beta: number): Activation => ({ fn: 'clamp', alpha, beta });

function fused(build: (b: GraphBuilder, x: string) => string) {
  const b = new GraphBuilder();
  const graph = b.finish(build(b, b.input([1, 3, 4, 4])));
  const { nodes } = applyPass(graph, fuseActivations).graph;
  return {
    ops: nodes.map((node) => node.op),
    activation: (nodes[0].attributes as { activation?: Activation }).activation,
  };
}

describe('fuseActivations', () => {
  it.each<[string, (b: GraphBuilder, x: string) => string]>([
    ['conv2d', (b, x) => b.conv2d(x, 2, 3)],
    ['linear', (b, x) => b.node('linear', {}, x, b.constant([2, 4]))],
    ['binary', (b, x) => b.node('binary', { fn: 'mul' }, x, x)],
    [
      'convTranspose2d',
      (b, x) =>
        b.node(
          'convTranspose2d',
          { stride: [2, 2], dilation: [1, 1], pads: [0, 0, 0, 0], outputPadding: [0, 0], groups: 1 },
          x,
          b.constant([3, 2, 2, 2]),
        ),
    ],
    [
      'maxPool',
      (b, x) =>
        b.node('maxPool', { kernel: [2, 2], stride: [2, 2], dilation: [1, 1], pads: [0, 0, 0, 0], ceilMode: false }, x),
    ],
    [
      'averagePool',
      (b, x) =>
        b.node(
          'averagePool',
          { kernel: [2, 2], stride: [2, 2], pads: [0, 0, 0, 0], ceilMode: false, countIncludePad: false },
          x,
        ),
    ],
  ])('fuses into %s', (op, build) => {
    expect(fused((b, x) => b.node('unary', sigmoid, build(b, x)))).toEqual({ ops: [op], activation: sigmoid });
  });

  it('merges clamps', () => {
    const twice = (first: Activation, second: Activation) =>
      fused((b, x) => b.node('unary', second, b.conv2d(x, 2, 1, { activation: first })));
    expect(twice(clamp(0, Infinity), clamp(-Infinity, 6))).toEqual({ ops: ['conv2d'], activation: clamp(0, 6) });
    expect(twice(clamp(-1, 0.5), clamp(-2, 0.25)).activation).toEqual(clamp(-1, 0.25));
    expect(twice(clamp(1, 2), clamp(-2, 0.25)).activation).toEqual(clamp(0.25, 0.25));
    const chain = fused((b, x) => b.node('unary', clamp(0, 1), b.node('unary', clamp(-1, 0.5), x)));
    expect(chain.ops).toEqual(['unary']);
  });

  it('does not put one function on another', () => {
    const twice = fused((b, x) => b.node('unary', sigmoid, b.conv2d(x, 2, 1, { activation: clamp(0, 1) })));
    expect(twice).toEqual({ ops: ['conv2d', 'unary'], activation: clamp(0, 1) });
    expect(fused((b, x) => b.node('unary', sigmoid, b.node('unary', { fn: 'tanh' }, x))).ops).toEqual([
      'unary',
      'unary',
    ]);
  });

  it('leaves operators that fuse nothing', () => {
    expect(fused((b, x) => b.node('unary', sigmoid, b.node('reshape', { shape: [48] }, x))).ops).toEqual([
      'reshape',
      'unary',
    ]);
  });

  it('leaves a result that others read, or that is an output', () => {
    const b = new GraphBuilder();
    const x = b.conv2d(b.input([1, 3, 4, 4]), 2, 1);
    const y = b.conv2d(b.input([1, 3, 4, 4]), 2, 1);
    const both = b.node('binary', { fn: 'add' }, x, b.node('unary', sigmoid, x));
    const graph = b.finish(both, y, b.node('unary', sigmoid, y));
    expect(applyPass(graph, fuseActivations).changed).toBe(false);
    expect(ops(graph)).toEqual(['conv2d', 'conv2d', 'unary', 'binary', 'unary']);
  });
});
