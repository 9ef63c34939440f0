import type { Pass } from './match.ts';

/** Removes nodes and constants that no graph output depends on. Graph inputs stay, read or not. */
export const removeDead: Pass = (graph) => {
  const ports = [...graph.inputs, ...graph.outputs].map((port) => port.value);
  const needed = new Set(ports);
  const alive = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  const changed = alive.length < graph.nodes.length;
  if (changed) graph.nodes = alive.toReversed();
  for (const node of graph.nodes) for (const name of node.outputs) needed.add(name);
  const before = graph.values.size;
  for (const name of [...graph.values.keys()]) if (!needed.has(name)) graph.values.delete(name);
  return changed || graph.values.size < before;
};
