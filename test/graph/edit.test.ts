import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addNode, consumers, freshName, producers, replaceUses, topologicalSort } from '../../src/graph/edit.ts';
import { emptyGraph, type Graph } from '../../src/graph/graph.ts';
import { verify } from '../../src/graph/verify.ts';
import { expectSameResults, cloneGraph, GraphBuilder, ops } from '../graphs.ts';

/** x → a → b → c, and b → d */
function chain() {
  const b = new GraphBuilder();
  const x = b.input([4]);
  const first = b.node('unary', { fn: 'tanh' }, x);
  const second = b.node('unary', { fn: 'identity' }, first);
  const third = b.node('unary', { fn: 'abs' }, second);
  return { b, x, first, second, third };
}

/** A graph by its edges: node i makes `vi` from the values named. Its operators do not matter. */
function wires(inputs: string[][]): Graph {
  const graph = emptyGraph('wires');
  inputs.forEach((names, i) => {
    graph.nodes.push({ name: `n${i}`, op: 'unary', inputs: names, outputs: [`v${i}`], attributes: {} });
  });
  return graph;
}

describe('edges', () => {
  it('give the maker and the readers of a value', () => {
    const b = new GraphBuilder();
    const x = b.input([2, 3]);
    const y = b.node('unary', { fn: 'tanh' }, x);
    const graph = b.finish(b.node('binary', { fn: 'mul' }, y, y));
    expect(producers(graph).get(y)).toBe(graph.nodes[0]);
    expect(producers(graph).has(x)).toBe(false);
    expect(consumers(graph).get(y)).toEqual([graph.nodes[1]]);
    expect(consumers(graph).has('binary1')).toBe(false);
  });

  it('give names that are not taken', () => {
    const b = new GraphBuilder();
    const x = b.input([1]);
    expect(freshName(b.graph, 'y')).toBe('y');
    expect(freshName(b.graph, x)).toBe('input0_1');
    b.graph.values.set('input0_1', { name: 'input0_1', shape: [1], dtype: 'float32' });
    expect(freshName(b.graph, x)).toBe('input0_2');
  });
});

describe('addNode', () => {
  it('records shapes and keeps order', () => {
    const b = new GraphBuilder();
    const x = b.input([2, 3]);
    const y = b.node('unary', { fn: 'tanh' }, x);
    const graph = b.finish(y);
    const node = { name: 'n', op: 'unary', inputs: [x], outputs: ['z'], attributes: { fn: 'neg' } };
    addNode(graph, node, graph.nodes[0]);
    expect(graph.nodes[0]).toBe(node);
    expect(graph.values.get('z')).toEqual({ name: 'z', shape: [2, 3], dtype: 'float32' });
  });
});

describe('replaceUses', () => {
  it('reroutes readers and removes the maker', () => {
    const { b, first, second, third } = chain();
    const graph = b.finish(third);
    const before = cloneGraph(graph);
    expect(replaceUses(graph, second, first)).toBe(true);
    expect(ops(graph)).toEqual(['unary', 'unary']);
    expect(graph.values.has(second)).toBe(false);
    verify(graph);
    expectSameResults(graph, before);
  });

  it('keeps the name of a graph output', () => {
    const { b, first, second, third } = chain();
    const graph = b.finish(second, third);
    const before = cloneGraph(graph);
    expect(replaceUses(graph, second, first)).toBe(true);
    expect(graph.outputs.map(({ value }) => value)).toEqual([second, third]);
    expect(graph.values.has(first)).toBe(false);
    verify(graph);
    expectSameResults(graph, before);
  });

  it('changes nothing when both are outputs, or an output would become an input or a constant', () => {
    const { b, first, second } = chain();
    const graph = b.finish(first, second);
    const before = cloneGraph(graph);
    expect(replaceUses(graph, second, first)).toBe(false);
    expect(graph).toEqual(before);
    const other = new GraphBuilder();
    const x = other.input([4]);
    const y = other.node('unary', { fn: 'identity' }, x);
    other.finish(y);
    expect(replaceUses(other.graph, y, x)).toBe(false);
  });
});

describe('topologicalSort', () => {
  it('orders any acyclic graph, and leaves one that is in order as it is', () => {
    const edges = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(edges, fc.infiniteStream(fc.nat()), (lists, dice) => {
        const graph = wires(lists.map((list, i) => list.map((n) => (i === 0 ? 'x' : `v${n % i}`))));
        const ordered = [...graph.nodes];
        topologicalSort(graph);
        expect(graph.nodes).toEqual(ordered);
        for (let i = graph.nodes.length - 1; i > 0; i--) {
          const j = dice.next().value % (i + 1);
          [graph.nodes[i], graph.nodes[j]] = [graph.nodes[j], graph.nodes[i]];
        }
        topologicalSort(graph);
        const made = new Set(['x']);
        for (const node of graph.nodes) {
          for (const input of node.inputs) expect(made).toContain(input);
          made.add(node.outputs[0]);
        }
        expect(graph.nodes).toHaveLength(ordered.length);
      }),
    );
  });

  it('names a cycle and nothing else', () => {
    const graph = wires([['x'], ['v0', 'v3'], ['v1'], ['v2'], ['v3']]);
    expect(() => topologicalSort(graph)).toThrow('wires: nodes need each other\'s results: "n1" ← "n3" ← "n2" ← "n1"');
    expect(() => topologicalSort(wires([['v0']]))).toThrow('"n0" ← "n0"');
  });

  it('sorts a chain longer than the stack is deep', () => {
    const count = 50_000;
    const graph = wires(Array.from({ length: count }, () => []));
    graph.nodes.forEach((node, i) => (node.inputs = [i === count - 1 ? 'x' : `v${i + 1}`]));
    topologicalSort(graph);
    expect(graph.nodes[0].outputs).toEqual(['v49999']);
    expect(graph.nodes.at(-1)!.outputs).toEqual(['v0']);
  });
});
