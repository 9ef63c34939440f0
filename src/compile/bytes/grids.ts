// The bytes of values: scale and zero point of each, from ranges that calibration has found.
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import type { Range, Ranges } from '../../lower/ranges.ts';
import type { ByteGrid } from '../../quantisation.ts';
import { applyActivation } from '../../graph/activation.ts';
import { isOp } from '../../ops/nodes.ts';
import { Edges } from '../../passes/match.ts';
import type { Activation } from '../../program/activations.ts';
import { eightBits, sevenBits } from '../../program/quads.ts';
import { keepsScale, worksOnBytes } from './support.ts';

/** The bytes for a range. Zero is represented exactly, so that padding and the zeros of a ReLU stay zero. */
export function gridOf({ min, max }: Range, most: ByteGrid['most'] = sevenBits): ByteGrid {
  const low = Math.min(min, 0);
  const scale = Math.fround((Math.max(max, 0) - low) / most) || 1;
  return { scale, zero: Math.min(most, Math.round((0 - low) / scale)), most };
}

/**
 * The part of a range outside of which a function changes by less than `step`: what is below −8 is nearly nothing to a SiLU, and
 * may be far below.
 */
export function usefulRange({ min, max }: Range, activation: Activation, step: number): Range {
  const points = 2048;
  const at = (i: number) => min + ((max - min) * i) / points;
  const f = Array.from({ length: points + 1 }, (_, i) => applyActivation(at(i), activation));
  const flat = (from: number, by: 1 | -1) => {
    let [low, high] = [f[from], f[from]];
    let i = from;
    for (; i + by >= 0 && i + by <= points; i += by) {
      [low, high] = [Math.min(low, f[i + by]), Math.max(high, f[i + by])];
      if (!(high - low < step)) break;
    }
    return i;
  };
  const [first, last] = [flat(0, 1), flat(points, -1)];
  return first < last ? { min: at(first), max: at(last) } : { min, max };
}

/** The bytes that a quantised file has for its values. */
export function fileGrids(graph: Graph): Map<string, ByteGrid> {
  const known = new Map<string, ByteGrid>();
  for (const [name, { fileBytes }] of graph.values) if (fileBytes) known.set(name, fileBytes);
  // a result that is clamped to the range of its tensor is rounded to it too
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    const isClamp = op === 'unary' && (attributes as Activation).fn === 'clamp';
    const grid = known.get(outputs[0]);
    if (isClamp && grid && !known.has(inputs[0])) known.set(inputs[0], grid);
  }
  return known;
}

/**
 * The bytes of every value with a range. Values that a node copies to each other share theirs.
 * @param eight values that have eight bits
 */
export function gridsOf(graph: Graph, ranges: Ranges, eight: Iterable<string> = []): Map<string, ByteGrid> {
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
  const wide = new Set(Array.from(eight, find));
  const grids = new Map(
    known.map((value) => [value, gridOf(joined.get(find(value))!, wide.has(find(value)) ? eightBits : sevenBits)]),
  );
  sumGrids(graph, ranges, grids);
  depthwiseGrids(graph, new Map(known.map((value) => [value, joined.get(find(value))!])), grids);
  return grids;
}

/**
 * What only depthwise layers read has eight bits: channels differ most in size there, and no sum over channels evens errors out.
 */
function depthwiseGrids(graph: Graph, ranges: ReadonlyMap<string, Range>, grids: Map<string, ByteGrid>): void {
  const edges = new Edges(graph);
  for (const [value, range] of ranges) {
    const readers = edges.readers(value);
    const isDepthwise = (node: Node) => isOp(node, 'conv2d') && node.attributes.groups > 1;
    if (readers.length > 0 && readers.every(isDepthwise)) grids.set(value, gridOf(range, eightBits));
  }
}

/** Sums that only a table reads have eight bits, for the part of their range that makes a difference. */
function sumGrids(graph: Graph, ranges: Ranges, grids: Map<string, ByteGrid>): void {
  const edges = new Edges(graph);
  for (const node of graph.nodes) {
    const [sum] = node.inputs;
    const result = grids.get(node.outputs[0]);
    if (!isOp(node, 'unary') || !isOp(edges.maker(sum), 'conv2d') || edges.soleReader(sum) !== node) continue;
    if (!result || !grids.has(sum)) continue;
    grids.set(sum, gridOf(usefulRange(ranges[sum], node.attributes, result.scale / 4), eightBits));
  }
}
