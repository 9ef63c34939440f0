import type { Graph } from './graph.ts';

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
