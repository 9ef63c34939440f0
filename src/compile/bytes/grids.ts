// The bytes of values: scale and zero point of each, from ranges that calibration has found.
import type { Graph } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import type { Range, Ranges } from '../../lower/ranges.ts';
import type { ByteGrid } from '../../quantisation.ts';
import { sevenBits } from '../../program/quads.ts';
import { keepsScale, worksOnBytes } from './support.ts';

/** The bytes for a range, seven bits. Zero is represented exactly, so that padding and the zeros of a ReLU stay zero. */
export function gridOf({ min, max }: Range): ByteGrid {
  const low = Math.min(min, 0);
  const scale = Math.fround((Math.max(max, 0) - low) / sevenBits) || 1;
  return { scale, zero: Math.min(sevenBits, Math.round((0 - low) / scale)), most: sevenBits };
}

/** The bytes that a quantised file has for its values. */
export function fileGrids(graph: Graph): Map<string, ByteGrid> {
  const known = new Map<string, ByteGrid>();
  for (const [name, { fileBytes }] of graph.values) if (fileBytes) known.set(name, fileBytes);
  return known;
}

/** The bytes of every value with a range. Values that a node copies to each other share theirs. */
export function gridsOf(graph: Graph, ranges: Ranges): Map<string, ByteGrid> {
  const parents = new Map<string, string>();
  const find = (value: string): string => {
    let root = value;
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent;
    return root;
  };
  for (const node of graph.nodes) {
    if (!keepsScale(node) || !worksOnBytes(graph, node)) continue;
    const values = [...node.inputs, ...node.outputs].filter((value) => !valueOf(graph, value).data);
    for (const value of values.slice(1)) {
      const [a, b] = [find(values[0]), find(value)];
      if (a !== b) parents.set(b, a);
    }
  }
  const joined = new Map<string, Range>();
  const known = [...graph.values.keys()].filter((value) => Object.hasOwn(ranges, value));
  for (const value of known) {
    const { min, max } = ranges[value];
    const all = joined.get(find(value));
    joined.set(find(value), all ? { min: Math.min(min, all.min), max: Math.max(max, all.max) } : { min, max });
  }
  return new Map(known.map((value) => [value, gridOf(joined.get(find(value))!)]));
}
