// Prepares a network for everything in this folder.
import { cloneGraph } from '../graph/clone.ts';
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
