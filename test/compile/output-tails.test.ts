import { describe, expect, it } from 'vitest';
import { outputTails } from '../../src/compile/output-tails.ts';
import { GraphBuilder } from '../graphs.ts';

/** A convolution of 4 × 4 pixels to `channels`. */
function map(b: GraphBuilder, x: string, channels: number): string {
  const attributes = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
  return b.node('conv2d', attributes, x, b.constant([channels, 3, 1, 1]), b.constant([channels]));
}

describe('the tail of an output', () => {
  it('says where parts that are computed apart meet, along each axis', () => {
    const b = new GraphBuilder();
    const x = b.input([1, 3, 4, 4]);
    const rows = (channels: number) => b.node('reshape', { shape: [1, channels, 16] }, map(b, x, channels));
    const exponential = b.node('unary', { fn: 'exp' }, rows(4));
    const box = b.node('binary', { fn: 'mul' }, exponential, b.scalar(2));
    const level = b.node('concat', { axis: 1 }, box, b.node('unary', { fn: 'sigmoid' }, rows(1)), rows(51));
    const both = b.node('concat', { axis: 2 }, level, level);
    b.output(both);
    b.output(b.node('transpose', { permutation: [0, 2, 1] }, both));
    const [first, second] = [...outputTails(b.graph).values()];
    expect(first.seams).toEqual([[], [4, 5], [16]]);
    expect(second.seams).toEqual([[], [16], [4, 5]]);
    expect([...first.operators]).toEqual(expect.arrayContaining(['concat', 'exp', 'sigmoid', 'conv2d', 'reshape']));
    expect(first.operators.has('transpose')).toBe(false);
    expect(second.operators.has('transpose')).toBe(true);
  });

  it('begins behind the last layers with weights, their own activations included', () => {
    const b = new GraphBuilder();
    const x = b.node('unary', { fn: 'tanh' }, b.input([1, 3, 4, 4]));
    const attributes = {
      stride: [1, 1],
      dilation: [1, 1],
      pads: [0, 0, 0, 0],
      groups: 1,
      activation: { fn: 'sigmoid' },
    } as const;
    b.output(b.node('conv2d', attributes, x, b.constant([2, 3, 1, 1]), b.constant([2])));
    const [{ operators, seams }] = [...outputTails(b.graph).values()];
    expect([...operators].sort()).toEqual(['conv2d', 'sigmoid']);
    expect(seams).toEqual([[], [], [], []]);
  });

  it('says whether something is multiplied by 100', () => {
    const b = new GraphBuilder();
    const scores = b.node('unary', { fn: 'sigmoid' }, map(b, b.input([1, 3, 4, 4]), 2));
    b.output(b.node('binary', { fn: 'mul' }, scores, b.scalar(100)));
    b.output(b.node('binary', { fn: 'mul' }, scores, b.scalar(99)));
    b.output(b.node('binary', { fn: 'add' }, scores, b.scalar(100)));
    expect([...outputTails(b.graph).values()].map(({ percent }) => percent)).toEqual([true, false, false]);
  });

  it('loses an axis that a reshape mixes with another', () => {
    const b = new GraphBuilder();
    const x = b.input([1, 3, 4, 4]);
    const joined = b.node('concat', { axis: 1 }, map(b, x, 2), map(b, x, 4));
    b.output(b.node('reshape', { shape: [1, 96] }, joined));
    b.output(b.node('reshape', { shape: [1, 6, 16] }, joined));
    const [mixed, kept] = [...outputTails(b.graph).values()];
    expect(mixed.seams).toEqual([[], []]);
    expect(kept.seams).toEqual([[], [2], []]);
  });
});
