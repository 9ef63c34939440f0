// Prepares a network for everything in this folder.
import type { Graph } from '../graph/graph.ts';
import { verify } from '../graph/verify.ts';
import { optimise } from '../passes/index.ts';

/**
 * A copy of the graph, verified and optimised (batch norms folded, activations and residuals fused), in which every node has
 * a unique name. It shares the numbers of constants with the given graph, which is not changed.
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

/** A copy that can be edited without changing the given graph. Numbers of constants are shared: replace them, do not write. */
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
