import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConvTranspose2dAttributes } from '../../src/ops/conv-transpose2d.ts';
import { optimise } from '../../src/passes/index.ts';
import { lowerConvTranspose } from '../../src/passes/lower-conv-transpose.ts';
import { applyPass, cloneGraph, expectSameResults, GraphBuilder, nodeOf, ops } from '../graphs.ts';

const doubling: ConvTranspose2dAttributes = {
  stride: [2, 2],
  dilation: [1, 1],
  pads: [0, 0, 0, 0],
  outputPadding: [0, 0],
  groups: 1,
};

const small = (max: number) => fc.integer({ min: 0, max });
const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

describe('lowerConvTranspose', () => {
  it('makes a 2×2 kernel of stride 2 a pointwise convolution', () => {
    const b = new GraphBuilder();
    const attributes = { ...doubling, activation: { fn: 'tanh' } as const };
    const y = b.node('convTranspose2d', attributes, b.input([1, 3, 4, 5]), b.constant([3, 2, 2, 2]), b.constant([2]));
    const graph = b.finish(y);
    const result = cloneGraph(graph);
    optimise(result, { check: true });
    expectSameResults(result, graph);
    expect(ops(result)).toEqual(['conv2d', 'depthToSpace']);
    expect(result.values.get(nodeOf(result, 'conv2d').inputs[1])!.shape).toEqual([8, 3, 1, 1]);
  });

  it('makes a 4×4 kernel of stride 2 a convolution of 2×2', () => {
    const b = new GraphBuilder();
    const y = b.node(
      'convTranspose2d',
      { ...doubling, pads: [1, 1, 1, 1] },
      b.input([1, 3, 4, 5]),
      b.constant([3, 2, 4, 4]),
    );
    const { graph } = applyPass(b.finish(y), lowerConvTranspose);
    expect(ops(graph)).toEqual(['conv2d', 'depthToSpace', 'slice']);
    expect(graph.values.get(nodeOf(graph, 'conv2d').inputs[1])!.shape).toEqual([8, 3, 2, 2]);
  });

  it('leaves weights that are computed', () => {
    const b = new GraphBuilder();
    const y = b.node('convTranspose2d', doubling, b.input([1, 3, 4, 5]), b.input([3, 2, 2, 2]));
    expect(applyPass(b.finish(y), lowerConvTranspose).changed).toBe(false);
  });

  it('is exact for every geometry', () => {
    const cases = fc.record({
      stride: pair(1, 4),
      dilation: pair(1, 3),
      kernel: pair(1, 5),
      pads: fc.tuple(small(4), small(4), small(4), small(4)),
      outputPadding: pair(0, 4),
      groups: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 2 }),
      outputs: fc.integer({ min: 1, max: 2 }),
      size: pair(1, 5),
      hasBias: fc.boolean(),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(cases, ({ kernel, channels, outputs, size, hasBias, seed, ...geometry }) => {
        const { stride, dilation, pads, groups, outputPadding } = geometry;
        const out = [0, 1].map(
          (i) =>
            (size[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - pads[i] - pads[i + 2] + outputPadding[i],
        );
        fc.pre(out.every((d) => d >= 1));
        const b = new GraphBuilder(seed);
        const weights = b.constant([channels * groups, outputs, ...kernel]);
        const operands = [b.input([2, channels * groups, ...size]), weights];
        if (hasBias) operands.push(b.constant([outputs * groups]));
        const { graph } = applyPass(b.finish(b.node('convTranspose2d', geometry, ...operands)), lowerConvTranspose);
        expect(ops(graph)).not.toContain('convTranspose2d');
      }),
      { numRuns: 300 },
    );
  });
});
