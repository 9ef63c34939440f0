import { isGraphOutput, replaceUses } from '../graph/edit.ts';
import type { Graph, Node, Value } from '../graph/graph.ts';
import { type Pass, rewriteEach } from './match.ts';

/** Constants with more elements are not compared. */
const smallConstant = 1024;

/** Merges nodes with the same operation on the same values, and small constants with the same data. */
export const mergeDuplicates: Pass = (graph) => {
  const constantsChanged = mergeConstants(graph);
  const seen = new Map<string, Node>();
  const nodesChanged = rewriteEach(graph, (node) => {
    const key = JSON.stringify([node.op, node.inputs, node.outputs.length, node.attributes], exactly);
    const first = seen.get(key);
    if (!first) {
      seen.set(key, node);
      return false;
    }
    // Equal graph outputs stay separate values.
    if (node.outputs.some((name) => isGraphOutput(graph, name))) {
      if (node.outputs.length > 1 || isGraphOutput(graph, first.outputs[0])) return false;
      return replaceUses(graph, node.outputs[0], first.outputs[0]);
    }
    const from = [...node.outputs];
    const to = [...first.outputs];
    graph.nodes.splice(graph.nodes.indexOf(node), 1);
    from.forEach((name, i) => {
      replaceUses(graph, name, to[i]);
      graph.values.delete(name);
    });
    return true;
  });
  return constantsChanged || nodesChanged;
};

/** A replacer for JSON, which lacks ∞, NaN and −0. */
function exactly(_key: string, value: unknown): unknown {
  if (Object.is(value, -0)) return 'number -0';
  return typeof value === 'number' && !Number.isFinite(value) ? `number ${value}` : value;
}

function mergeConstants(graph: Graph): boolean {
  const seen = new Map<string, Value>();
  let changed = false;
  for (const value of graph.values.values()) {
    const { name, dtype, shape, data } = value;
    if (!data || data.length > smallConstant || isGraphOutput(graph, name)) continue;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${dtype} ${shape} ${bytes.join()}`;
    const first = seen.get(key);
    if (first) {
      replaceUses(graph, name, first.name);
      graph.values.delete(name);
      changed = true;
    } else {
      seen.set(key, value);
    }
  }
  return changed;
}
