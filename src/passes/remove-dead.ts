import type { Pass } from './match.ts';

/** Removes nodes and constants that no graph output depends on. Graph inputs stay, read or not. */
export const removeDead: Pass = (graph) => {
  const ports = [...graph.inputs, ...graph.outputs].map((port) => port.value);
  const needed = new Set(ports);
  const count = graph.nodes.length;
  for (let i = count - 1; i >= 0; i--) {
    const { inputs, outputs } = graph.nodes[i];
    if (outputs.some((name) => needed.has(name))) for (const name of inputs) needed.add(name);
    else graph.nodes.splice(i, 1);
  }
  const changed = graph.nodes.length < count;
  for (const node of graph.nodes) for (const name of node.outputs) needed.add(name);
  const before = graph.values.size;
  for (const name of graph.values.keys()) if (!needed.has(name)) graph.values.delete(name);
  return changed || graph.values.size < before;
};
