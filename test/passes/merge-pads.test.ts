import { describe, expect, it } from 'vitest';
import type { AveragePoolAttributes } from '../../src/ops/average-pool.ts';
import type { MaxPoolAttributes } from '../../src/ops/max-pool.ts';
import type { PadAttributes } from '../../src/ops/pad.ts';
import { mergePads } from '../../src/passes/merge-pads.ts';
import { applyPass, GraphBuilder, nodeOf } from '../graphs.ts';

/** The window's node after the pass, preceded by a pad of 1 above, 2 left, 0 below and 1 right. */
function padded(window: (b: GraphBuilder, x: string) => string, pad: Partial<PadAttributes> = {}, positive = false) {
  const b = new GraphBuilder();
  let x = b.input([1, 2, 5, 6]);
  if (positive) x = b.node('unary', { fn: 'sigmoid' }, x);
  x = b.node('pad', { before: [0, 0, 1, 2], after: [0, 0, 0, 1], mode: 'constant', value: 0, ...pad }, x);
  const { graph, changed } = applyPass(b.finish(window(b, x)), mergePads);
  return { changed, attributes: graph.nodes.at(-1)!.attributes as { pads: number[]; countIncludePad?: boolean } };
}

const conv = (b: GraphBuilder, x: string) => b.conv2d(x, 3, 3, { pads: [0, 0, 1, 0], stride: [2, 1] });
const average = (options: Partial<AveragePoolAttributes>) => (b: GraphBuilder, x: string) =>
  b.node(
    'averagePool',
    { kernel: [3, 3], stride: [2, 1], pads: [0, 0, 0, 0], ceilMode: false, countIncludePad: false, ...options },
    x,
  );
const max = (options: Partial<MaxPoolAttributes>) => (b: GraphBuilder, x: string) =>
  b.node(
    'maxPool',
    { kernel: [3, 3], stride: [2, 1], dilation: [1, 1], pads: [0, 0, 0, 0], ceilMode: false, ...options },
    x,
  );

describe('mergePads', () => {
  it('adds zeros to a convolution', () => {
    expect(padded(conv)).toMatchObject({ changed: true, attributes: { pads: [1, 2, 1, 1] } });
  });

  it.each<[string, Partial<PadAttributes>]>([
    ['another number', { value: 1 }],
    ['reflection', { mode: 'reflect' }],
    ['channels', { before: [0, 0, 1, 0], after: [0, 1, 0, 0] }],
    ['cropping', { before: [0, 0, -1, 0], after: [0, 0, 0, 0] }],
  ])('leaves a pad with %s before a convolution', (_, pad) => {
    expect(padded((b, x) => b.conv2d(x, 3, 3), pad).changed).toBe(false);
  });

  it('serves every reader of the pad', () => {
    const b = new GraphBuilder();
    const pad = { before: [0, 0, 1, 1], after: [0, 0, 1, 1], mode: 'constant', value: 0 } as const;
    const x = b.node('pad', pad, b.input([1, 2, 5, 6]));
    const { graph } = applyPass(b.finish(conv(b, x), b.conv2d(x, 1, 1), x), mergePads);
    expect(nodeOf(graph, 'conv2d').inputs[0]).toBe('input0');
    expect(graph.nodes.at(-1)!.inputs[0]).toBe('input0');
  });

  it('adds zeros that count to an average', () => {
    expect(padded(average({}))).toMatchObject({
      changed: true,
      attributes: { pads: [1, 2, 0, 1], countIncludePad: true },
    });
    expect(padded(average({ countIncludePad: true, pads: [1, 0, 1, 0] }))).toMatchObject({
      changed: true,
      attributes: { pads: [2, 2, 1, 1], countIncludePad: true },
    });
  });

  it('leaves averages that do not count their own padding, round up, or would see padding alone', () => {
    expect(padded(average({ pads: [1, 0, 0, 0] })).changed).toBe(false);
    expect(padded(average({ ceilMode: true })).changed).toBe(false);
    expect(padded(average({ kernel: [2, 2] })).changed).toBe(false);
  });

  it('adds −∞ to a maximum, and zeros where nothing is negative', () => {
    expect(padded(max({}), { value: -Infinity })).toMatchObject({ changed: true, attributes: { pads: [1, 2, 0, 1] } });
    expect(padded(max({}), { value: 0 }, true).changed).toBe(true);
    expect(padded(max({}), { value: -5 }, true).changed).toBe(true);
  });

  it('leaves maxima that zeros could win', () => {
    expect(padded(max({})).changed).toBe(false);
    expect(padded(max({}), { value: 0.1 }, true).changed).toBe(false);
    expect(padded(max({ dilation: [1, 2] }), { value: -Infinity }).changed).toBe(false);
    expect(padded(max({ ceilMode: true }), { value: -Infinity }).changed).toBe(false);
  });
});
