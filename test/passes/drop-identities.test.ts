import { describe, expect, it } from 'vitest';
import { dropIdentities } from '../../src/passes/drop-identities.ts';
import type { ResizeAttributes } from '../../src/ops/resize.ts';
import { applyPass, GraphBuilder, ops } from '../graphs.ts';

/** Operators between two nodes that stay, after the pass. */
function between(shape: number[], build: (b: GraphBuilder, x: string) => string): string[] {
  const b = new GraphBuilder();
  const x = b.node('unary', { fn: 'tanh' }, b.input(shape));
  const y = build(b, x);
  const { graph } = applyPass(b.finish(b.node('unary', { fn: 'neg' }, y)), dropIdentities);
  return ops(graph).slice(1, -1);
}

const square = [1, 3, 4, 4];
const resize: ResizeAttributes = { mode: 'linear', size: [4, 4], coordinates: 'halfPixel', nearest: 'floor' };
const pool = { kernel: [1, 1], stride: [1, 1], pads: [0, 0, 0, 0], ceilMode: false } as const;
const relu = { fn: 'clamp', alpha: 0, beta: Infinity } as const;

describe('dropIdentities', () => {
  it.each<[string, (b: GraphBuilder, x: string) => string]>([
    ['reshape to the same shape', (b, x) => b.node('reshape', { shape: square }, x)],
    ['transpose that moves nothing', (b, x) => b.node('transpose', { permutation: [0, 1, 2, 3] }, x)],
    ['identity', (b, x) => b.node('unary', { fn: 'identity' }, x)],
    ['open clamp', (b, x) => b.node('unary', { fn: 'clamp', alpha: -Infinity, beta: Infinity }, x)],
    [
      'empty pad',
      (b, x) => b.node('pad', { before: [0, 0, 0, 0], after: [0, 0, 0, 0], mode: 'constant', value: 3 }, x),
    ],
    ['slice of all', (b, x) => b.node('slice', { starts: [0, 0, 0, 0], sizes: square, steps: [1, 1, 1, 1] }, x)],
    ['concat of one', (b, x) => b.node('concat', { axis: 1 }, x)],
    ['split into one', (b, x) => b.node('split', { axis: 1, sizes: [3] }, x)],
    ['blocks of 1', (b, x) => b.node('depthToSpace', { blockSize: 1, order: 'DCR' }, x)],
    ['sum over no axes', (b, x) => b.node('reduce', { fn: 'sum', axes: [], keepDims: false }, x)],
    ['max over an axis of size 1', (b, x) => b.node('reduce', { fn: 'max', axes: [0], keepDims: true }, x)],
    ['resize to the same size', (b, x) => b.node('resize', resize, x)],
    [
      'resize to the same size, by a rule that would shift',
      (b, x) =>
        b.node('resize', { ...resize, coordinates: 'tfHalfPixelForNearest', mode: 'nearest', nearest: 'ceil' }, x),
    ],
    ['max-pool of single pixels', (b, x) => b.node('maxPool', { ...pool, dilation: [1, 1] }, x)],
    ['average of single pixels', (b, x) => b.node('averagePool', { ...pool, countIncludePad: false }, x)],
    ['x + 0', (b, x) => b.node('binary', { fn: 'add' }, x, b.constant([3, 1, 1], [0, 0, 0]))],
    ['0 + x', (b, x) => b.node('binary', { fn: 'add' }, b.scalar(0), x)],
    ['x · 1', (b, x) => b.node('binary', { fn: 'mul' }, x, b.scalar(1))],
    ['x / 1', (b, x) => b.node('binary', { fn: 'div' }, x, b.scalar(1))],
    ['x ^ 1', (b, x) => b.node('binary', { fn: 'pow' }, x, b.scalar(1))],
  ])('drops: %s', (_, build) => expect(between(square, build)).toEqual([]));

  it.each<[string, (b: GraphBuilder, x: string) => string, string[]]>([
    ['reshape', (b, x) => b.node('reshape', { shape: [1, 3, 16, 1] }, x), ['reshape']],
    ['transpose', (b, x) => b.node('transpose', { permutation: [0, 1, 3, 2] }, x), ['transpose']],
    ['clamp', (b, x) => b.node('unary', relu, x), ['unary']],
    [
      'crop',
      (b, x) => b.node('pad', { before: [0, 0, -1, 0], after: [0, 0, 1, 0], mode: 'constant', value: 0 }, x),
      ['pad'],
    ],
    [
      'reversal',
      (b, x) => b.node('slice', { starts: [0, 2, 0, 0], sizes: square, steps: [1, -1, 1, 1] }, x),
      ['slice'],
    ],
    ['resize by scales', (b, x) => b.node('resize', { ...resize, scales: [1.25, 1.25] }, x), ['resize']],
    ['1 / x', (b, x) => b.node('binary', { fn: 'div' }, b.scalar(1), x), ['binary']],
    ['0 − x', (b, x) => b.node('binary', { fn: 'sub' }, b.scalar(0), x), ['binary']],
    [
      'addition that broadcasts x',
      (b, x) => b.node('binary', { fn: 'add' }, x, b.constant([2, 3, 4, 4], new Float32Array(96))),
      ['binary'],
    ],
    [
      'addition of zeros and others',
      (b, x) => b.node('binary', { fn: 'add' }, x, b.constant([3, 1, 1], [0, 0, 2])),
      ['binary'],
    ],
  ])('keeps: %s', (_, build, kept) => expect(between(square, build)).toEqual(kept));

  it('keeps the activation of dropped nodes', () => {
    const left = between(square, (b, x) => b.node('binary', { fn: 'add', activation: relu }, x, b.scalar(0)));
    expect(left).toEqual(['unary']);
  });

  it('keeps an identity from an input to an output, or between two outputs', () => {
    const b = new GraphBuilder();
    const x = b.input([2]);
    const y = b.node('unary', { fn: 'identity' }, x);
    expect(applyPass(b.finish(y), dropIdentities).changed).toBe(false);
    const other = new GraphBuilder();
    const z = other.node('unary', { fn: 'tanh' }, other.input([2]));
    expect(applyPass(other.finish(z, other.node('unary', { fn: 'identity' }, z)), dropIdentities).changed).toBe(false);
  });
});
