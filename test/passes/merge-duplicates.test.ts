import { describe, expect, it } from 'vitest';
import { mergeDuplicates } from '../../src/passes/merge-duplicates.ts';
import { removeDead } from '../../src/passes/remove-dead.ts';
import { applyPass, GraphBuilder, ops } from '../graphs.ts';

describe('mergeDuplicates', () => {
  it('computes equal things once, constants included', () => {
    const b = new GraphBuilder();
    const x = b.input([2, 3]);
    const shifted = [0, 1].map(() => b.node('unary', { fn: 'exp' }, b.node('binary', { fn: 'add' }, x, b.scalar(3))));
    const graph = b.finish(b.node('binary', { fn: 'mul' }, shifted[0], shifted[1]));
    expect(ops(applyPass(graph, mergeDuplicates).graph)).toEqual(['binary', 'unary', 'binary']);
  });

  it('tells infinities and signs of zero apart', () => {
    const b = new GraphBuilder();
    const x = b.input([2, 3]);
    const clamps = [Infinity, -Infinity, NaN, 0, -0].map((beta) =>
      b.node('unary', { fn: 'clamp', alpha: -Infinity, beta }, x),
    );
    expect(applyPass(b.finish(...clamps), mergeDuplicates).changed).toBe(false);
  });

  it('tells constants of other shapes, bits and order apart', () => {
    const b = new GraphBuilder();
    const x = b.input([2, 2]);
    const shapes = [
      b.constant([2], [0, 1]),
      b.constant([2, 1], [0, 1]),
      b.constant([2], [1, 0]),
      b.constant([2], [-0, 1]),
    ];
    const sums = shapes.map((c) => b.node('binary', { fn: 'add' }, x, c));
    expect(applyPass(b.finish(...sums), mergeDuplicates).changed).toBe(false);
  });

  it('merges all outputs of a node', () => {
    const b = new GraphBuilder();
    const x = b.input([2, 3]);
    const [p] = b.nodes('split', { axis: 1, sizes: [1, 2] }, [x], 2);
    const [, q] = b.nodes('split', { axis: 1, sizes: [1, 2] }, [x], 2);
    const graph = b.finish(b.node('concat', { axis: 1 }, q, p));
    expect(ops(applyPass(graph, mergeDuplicates).graph)).toEqual(['split', 'concat']);
  });

  it('keeps two outputs two values, and their names', () => {
    const b = new GraphBuilder();
    const x = b.input([2, 3]);
    const [y, z] = [b.node('unary', { fn: 'exp' }, x), b.node('unary', { fn: 'exp' }, x)];
    expect(applyPass(b.finish(y, z), mergeDuplicates).changed).toBe(false);
    const other = new GraphBuilder();
    const u = other.input([2, 3]);
    const v = other.node('unary', { fn: 'exp' }, u);
    const w = other.node('unary', { fn: 'exp' }, u);
    const { graph } = applyPass(other.finish(w, other.node('unary', { fn: 'neg' }, v)), mergeDuplicates);
    expect(ops(graph)).toEqual(['unary', 'unary']);
    expect(graph.values.has(w)).toBe(true);
  });
});

describe('removeDead', () => {
  it('removes nodes that no output needs, and keeps inputs', () => {
    const b = new GraphBuilder();
    const [x, unused] = [b.input([2, 3]), b.input([4])];
    const spare = b.node('unary', { fn: 'exp' }, b.node('binary', { fn: 'add' }, unused, b.scalar(1)));
    const graph = b.finish(b.node('unary', { fn: 'neg' }, x));
    const result = applyPass(graph, removeDead).graph;
    expect(ops(result)).toEqual(['unary']);
    expect(result.values.has(spare)).toBe(false);
    expect([...result.values.keys()]).toEqual([x, unused, graph.outputs[0].value]);
    expect(removeDead(result)).toBe(false);
  });

  it('keeps a node with one output that is read', () => {
    const b = new GraphBuilder();
    const [p] = b.nodes('split', { axis: 1, sizes: [1, 2] }, [b.input([2, 3])], 2);
    expect(applyPass(b.finish(b.node('unary', { fn: 'neg' }, p)), removeDead).changed).toBe(false);
  });
});
