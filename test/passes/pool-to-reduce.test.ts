import { describe, expect, it } from 'vitest';
import type { AveragePoolAttributes } from '../../src/ops/average-pool.ts';
import { poolToReduce } from '../../src/passes/pool-to-reduce.ts';
import { applyPass, GraphBuilder, ops } from '../graphs.ts';

function pooled(options: Partial<AveragePoolAttributes>): string[] {
  const b = new GraphBuilder();
  const whole = {
    kernel: [4, 5],
    stride: [1, 1],
    pads: [0, 0, 0, 0],
    ceilMode: false,
    countIncludePad: false,
  } as const;
  const graph = b.finish(b.node('averagePool', { ...whole, ...options }, b.input([2, 3, 4, 5])));
  return ops(applyPass(graph, poolToReduce).graph);
}

describe('poolToReduce', () => {
  it('takes the mean of the whole map', () => {
    expect(pooled({})).toEqual(['reduce']);
    expect(pooled({ stride: [4, 5], countIncludePad: true })).toEqual(['reduce']);
  });

  it('keeps the activation', () => {
    expect(pooled({ activation: { fn: 'tanh' } })).toEqual(['reduce', 'unary']);
  });

  it('leaves windows over a part', () => {
    expect(pooled({ kernel: [4, 4] })).toEqual(['averagePool']);
    expect(pooled({ kernel: [2, 5], stride: [4, 1] })).toEqual(['averagePool']);
  });
});
