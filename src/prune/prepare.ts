// The form of a network that everything in this folder works on.
import type { Graph } from '../graph/graph.ts';
import { verify } from '../graph/verify.ts';
import { optimise } from '../passes/index.ts';

/**
 * A graph of its own, verified and optimised (batch norms folded, activations and residuals fused), in which every node has
 * a name that no other one has. Numbers of constants are shared with the given graph, which stays as it is.
 */
export function prepared(graph: Graph): Graph {
  const copy = cloneGraph(graph);
  verify(copy);
  optimise(copy);
  const used = new Set<string>();
  for (const node of copy.nodes) {
    const base = node.name === '' ? node.op : node.name;
    node.name = base;
    for (let i = 2; used.has(node.name); i++) node.name = `${base} ${i}`;
    used.add(node.name);
  }
  return copy;
}

/** A graph that can be edited without changing the given one. Numbers of constants are shared: replace, do not write. */
export function cloneGraph(graph: Graph): Graph {
  return {
    name: graph.name,
    inputs: graph.inputs.map((port) => ({ ...port })),
    outputs: graph.outputs.map((port) => ({ ...port })),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: [...node.inputs],
      outputs: [...node.outputs],
      attributes: structuredClone(node.attributes),
    })),
    values: new Map([...graph.values].map(([name, value]) => [name, { ...value }])),
    notes: [...graph.notes],
    metadata: structuredClone(graph.metadata),
  };
}
