import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { prune } from '../../src/prune/prune.ts';
import { soup } from '../../src/prune/soup.ts';
import { cloneGraph } from '../graphs.ts';
import { smallNetwork } from './networks.ts';

/** A network, pruned, and versions of it as if fine-tuned: weights that are not 0 have changed. */
async function versions(count: number): Promise<{ graphs: Graph[]; masks: Map<string, Uint8Array> }> {
  const { graph, masks } = await prune(smallNetwork(), { sparsity: 0.5 });
  const graphs = Array.from({ length: count }, (_, n) => {
    const copy = cloneGraph(graph);
    copy.name = `version ${n}`;
    for (const { data } of copy.values.values()) {
      if (data instanceof Float32Array) data.forEach((w, i) => (data[i] = w * (1 + n * 0.1)));
    }
    return copy;
  });
  return { graphs, masks };
}

describe('a soup', () => {
  it('is the mean of parameters, as sparse as each', async () => {
    const { graphs } = await versions(3);
    const before = graphs.map(cloneGraph);
    const average = soup(graphs);
    expect(graphs).toEqual(before);
    for (const [name, { data }] of graphs[0].values) {
      const mean =
        data &&
        Float32Array.from(data as Float32Array, (_, i) => {
          return graphs.reduce((sum, graph) => sum + (graph.values.get(name)!.data as Float32Array)[i], 0) / 3;
        });
      expect(average.values.get(name)!.data).toEqual(mean);
    }
  });

  it('of equal networks is that network', async () => {
    const { graphs } = await versions(1);
    expect(soup([graphs[0], graphs[0], graphs[0]])).toEqual(graphs[0]);
  });

  it('goes by the order of nodes, not by names', async () => {
    const { graphs } = await versions(2);
    const renamed = cloneGraph(graphs[1]);
    const name = (value: string) => (value === '' ? '' : `other ${value}`);
    renamed.values = new Map([...renamed.values].map(([key, value]) => [name(key), { ...value, name: name(key) }]));
    for (const port of [...renamed.inputs, ...renamed.outputs]) port.value = name(port.value);
    for (const node of renamed.nodes) {
      node.inputs = node.inputs.map(name);
      node.outputs = node.outputs.map(name);
    }
    expect(soup([graphs[0], renamed])).toEqual(soup(graphs));
  });

  it('takes a zero by chance where masks are given', async () => {
    const { graphs, masks } = await versions(2);
    const weights = graphs[1].values.get(graphs[1].nodes[1].inputs[1])!.data as Float32Array;
    weights[masks.get(graphs[1].nodes[1].name)!.indexOf(1)] = 0;
    expect(() => soup(graphs)).toThrow(
      /version 0 and version 1 have zeros at different places.*"conv2d2" \(1 of 512 weights/,
    );
    expect(() => soup(graphs, masks)).not.toThrow();
  });

  it('says where networks differ', async () => {
    const { graphs, masks } = await versions(2);
    const [a, b] = graphs;
    const changed = (change: (graph: Graph) => void) => {
      const copy = cloneGraph(b);
      change(copy);
      return () => soup([a, copy]);
    };
    expect(() => soup([a])).toThrow(/two networks or more, got 1/);
    expect(() => soup([a, smallNetwork()])).toThrow(/version 0 and test differ: \d+ and \d+ nodes/);
    expect(
      changed((g) => void ((g.nodes[1].attributes as { activation: object }).activation = { fn: 'tanh' })),
    ).toThrow(/version 0 and version 1 differ: node "conv2d2" \(conv2d\): attributes .*tanh/);
    expect(changed((g) => void (g.nodes[1].inputs = [...g.nodes[1].inputs.slice(0, 2), '']))).toThrow(
      /"conv2d2".*one of them only/,
    );
    const dense = (g: Graph) => void (g.values.get(g.nodes[1].inputs[1])!.data as Float32Array).fill(1);
    expect(changed(dense)).toThrow(
      /zeros at different places.*"conv2d2" \(256 of 512 weights; 50.0 % and 0.0 % zeros\)/,
    );
    const copy = cloneGraph(b);
    dense(copy);
    expect(() => soup([a, copy], masks)).toThrow(/version 1 and the masks have zeros at different places/);
  });
});
