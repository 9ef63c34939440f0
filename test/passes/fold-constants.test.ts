import { describe, expect, it } from 'vitest';
import { foldConstants } from '../../src/passes/fold-constants.ts';
import { applyPass, GraphBuilder, ops } from '../graphs.ts';

describe('foldConstants', () => {
  it('computes chains of constants', () => {
    const b = new GraphBuilder();
    const c = b.node('unary', { fn: 'exp' }, b.node('transpose', { permutation: [1, 0] }, b.constant([2, 3])));
    const { graph } = applyPass(b.finish(b.node('binary', { fn: 'add' }, b.input([3, 2]), c)), foldConstants);
    expect(ops(graph)).toEqual(['binary']);
    expect(graph.values.get(c)!.data).toHaveLength(6);
  });

  it('computes every output of a split', () => {
    const b = new GraphBuilder();
    const [first, second] = b.nodes('split', { axis: 0, sizes: [1, 2] }, [b.constant([3, 2])], 2);
    const sum = b.node('binary', { fn: 'add' }, b.input([1, 2]), first);
    const { graph } = applyPass(b.finish(b.node('binary', { fn: 'mul' }, sum, second)), foldConstants);
    expect(ops(graph)).toEqual(['binary', 'binary']);
  });

  it('leaves nodes that depend on an input, and outputs', () => {
    const b = new GraphBuilder();
    const x = b.node('binary', { fn: 'add' }, b.input([2]), b.constant([2]));
    const graph = b.finish(x, b.node('unary', { fn: 'exp' }, b.constant([2])));
    expect(applyPass(graph, foldConstants).changed).toBe(false);
  });

  it('leaves results that would grow beyond the limit', () => {
    const b = new GraphBuilder();
    const grown = b.node('binary', { fn: 'add' }, b.constant([1, 300]), b.constant([300, 1]));
    const graph = b.finish(b.node('binary', { fn: 'add' }, b.input([300, 300]), grown));
    expect(applyPass(graph, foldConstants).changed).toBe(false);
  });

  it('computes large results that do not grow', () => {
    const b = new GraphBuilder();
    const turned = b.node('transpose', { permutation: [1, 0] }, b.constant([300, 301]));
    const graph = b.finish(b.node('linear', {}, b.input([1, 300]), turned));
    expect(ops(applyPass(graph, foldConstants).graph)).toEqual(['linear']);
  });
});
