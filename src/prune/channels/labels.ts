// Follows channels through a graph.
import type { Graph } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { answer } from '../../ops/nodes.ts';
import { type Algebra, type AxisLabels, fixAxis } from './algebra.ts';
import { Labelling, labelRules } from './label-rules.ts';

/** Labels of all computed values, by name. Inputs and constants of the graph are fixed and not listed. */
export function labelValues(graph: Graph, algebra: Algebra): Map<string, AxisLabels> {
  const known = new Map<string, AxisLabels>();
  const axesOf = (name: string): AxisLabels => (name === '' ? [] : (known.get(name) ?? []));
  for (const node of graph.nodes) {
    const outputs = answer(labelRules, node, new Labelling(graph, node, node.inputs.map(axesOf), algebra));
    node.outputs.forEach((name, i) => {
      const { shape } = valueOf(graph, name);
      // an axis of one channel cannot lose it
      known.set(
        name,
        shape.map((size, axis) => {
          const labels = outputs[i]?.[axis];
          if (!labels || size > 1) return labels;
          fixAxis(labels, 'it is the only channel', algebra);
          return undefined;
        }),
      );
    });
  }
  for (const { value, name } of graph.outputs) {
    for (const labels of axesOf(value)) fixAxis(labels, `is the output "${name}"`, algebra);
  }
  return known;
}
