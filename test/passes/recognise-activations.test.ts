import { describe, expect, it } from 'vitest';
import { recogniseActivations } from '../../src/passes/recognise-activations.ts';
import { removeDead } from '../../src/passes/remove-dead.ts';
import { applyPass, GraphBuilder } from '../graphs.ts';

/** What the graph's last node is after the pass, and how many nodes are left. */
function found(build: (b: GraphBuilder, x: string) => string) {
  const b = new GraphBuilder();
  const graph = b.finish(build(b, b.input([1, 3, 4, 4])));
  const result = applyPass(graph, (g) => recogniseActivations(g) && (removeDead(g), true)).graph;
  const { op, attributes } = result.nodes.at(-1)!;
  return { op, attributes, nodes: result.nodes.length };
}

const add = (b: GraphBuilder, x: string, n: number) => b.node('binary', { fn: 'add' }, x, b.scalar(n));
const mul = (b: GraphBuilder, x: string, y: string) => b.node('binary', { fn: 'mul' }, x, y);
const relu6 = { fn: 'clamp', alpha: 0, beta: 6 } as const;
const hardSwish = { op: 'unary', attributes: { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 }, nodes: 1 };
const sixth = { fn: 'hardSigmoid', alpha: 1 / 6, beta: 0.5 } as const;

describe('recogniseActivations', () => {
  it('finds silu, either way round', () => {
    expect(found((b, x) => mul(b, x, b.node('unary', { fn: 'sigmoid' }, x)))).toEqual({
      op: 'unary',
      attributes: { fn: 'silu' },
      nodes: 1,
    });
    expect(found((b, x) => mul(b, b.node('unary', { fn: 'sigmoid' }, x), x))).toMatchObject({ op: 'unary', nodes: 1 });
  });

  it('finds mish', () => {
    const y = found((b, x) => mul(b, x, b.node('unary', { fn: 'tanh' }, b.node('unary', { fn: 'softplus' }, x))));
    expect(y).toEqual({ op: 'unary', attributes: { fn: 'mish' }, nodes: 1 });
  });

  it.each<[string, (b: GraphBuilder, x: string) => string]>([
    ['x · hardSigmoid(x)', (b, x) => mul(b, x, b.node('unary', sixth, x))],
    [
      'x · relu6(x + 3) / 6',
      (b, x) => b.node('binary', { fn: 'div' }, mul(b, x, b.node('unary', relu6, add(b, x, 3))), b.scalar(6)),
    ],
    ['1/6 · (relu6(3 + x) · x)', (b, x) => mul(b, b.scalar(1 / 6), mul(b, b.node('unary', relu6, add(b, x, 3)), x))],
    [
      'x · (relu6(x + 3) / 6)',
      (b, x) => mul(b, x, b.node('binary', { fn: 'div' }, b.node('unary', relu6, add(b, x, 3)), b.scalar(6))),
    ],
    [
      'x · ((x + 3 with relu6 fused) · 1/6)',
      (b, x) => mul(b, x, mul(b, b.node('binary', { fn: 'add', activation: relu6 }, x, b.scalar(3)), b.scalar(1 / 6))),
    ],
  ])('finds hardSwish in %s', (_, build) => expect(found(build)).toEqual(hardSwish));

  it('finds hardSigmoid', () => {
    const y = found((b, x) =>
      mul(b, b.node('unary', { fn: 'clamp', alpha: 0, beta: 4 }, add(b, x, 1)), b.scalar(0.25)),
    );
    expect(y).toEqual({ op: 'unary', attributes: { fn: 'hardSigmoid', alpha: 0.25, beta: 0.25 }, nodes: 1 });
  });

  it('finds clamps and leaky relus', () => {
    expect(found((b, x) => b.node('binary', { fn: 'max' }, b.scalar(0), x)).attributes).toEqual({
      fn: 'clamp',
      alpha: 0,
      beta: Infinity,
    });
    expect(found((b, x) => b.node('binary', { fn: 'min' }, x, b.scalar(6))).attributes).toEqual({
      fn: 'clamp',
      alpha: -Infinity,
      beta: 6,
    });
    const y = found((b, x) => b.node('binary', { fn: 'prelu' }, x, b.constant([3, 1, 1], [0.25, 0.25, 0.25])));
    expect(y).toEqual({ op: 'unary', attributes: { fn: 'leakyRelu', alpha: 0.25 }, nodes: 1 });
  });

  it.each<[string, (b: GraphBuilder, x: string) => string]>([
    [
      'the sigmoid of something else',
      (b, x) => mul(b, x, b.node('unary', { fn: 'sigmoid' }, b.node('unary', { fn: 'abs' }, x))),
    ],
    ['Keras’ hard sigmoid', (b, x) => mul(b, x, b.node('unary', { fn: 'hardSigmoid', alpha: 0.2, beta: 0.5 }, x))],
    ['relu6(x + 2) / 5', (b, x) => mul(b, b.node('unary', relu6, add(b, x, 2)), b.scalar(0.2))],
    [
      'clamp(x + 3, 1, 6) / 6',
      (b, x) => mul(b, b.node('unary', { fn: 'clamp', alpha: 1, beta: 6 }, add(b, x, 3)), b.scalar(1 / 6)),
    ],
    ['6 / relu6(x + 3)', (b, x) => b.node('binary', { fn: 'div' }, b.scalar(6), b.node('unary', relu6, add(b, x, 3)))],
    ['slopes that differ', (b, x) => b.node('binary', { fn: 'prelu' }, x, b.constant([3, 1, 1]))],
    ['a number as prelu’s argument', (b, x) => b.node('binary', { fn: 'prelu' }, b.scalar(-1), x)],
    ['a maximum that widens', (b, x) => b.node('binary', { fn: 'max' }, x, b.constant([2, 1, 1, 1], [0, 0]))],
    [
      'a product with an activation',
      (b, x) => b.node('binary', { fn: 'mul', activation: relu6 }, x, b.node('unary', { fn: 'sigmoid' }, x)),
    ],
  ])('leaves %s', (_, build) => expect(found(build).op).toBe('binary'));

  it('finds a product that is scaled before it is shifted to be no hardSwish', () => {
    const y = found((b, x) => mul(b, mul(b, x, b.node('unary', relu6, add(b, x, 2))), b.scalar(1 / 6)));
    expect(y.op).toBe('binary');
  });
});
