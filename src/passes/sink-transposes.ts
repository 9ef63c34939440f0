import { addConstant, addNode, constantOf, freshName, isGraphOutput } from '../graph/edit.ts';
import { type Graph, type Node, valueOf } from '../graph/graph.ts';
import { composePermutations, inversePermutation, isIdentity, permuteData, permuteShape } from '../graph/permute.ts';
import { elementCount } from '../tensor.ts';
import { removeDead } from './remove-dead.ts';
import { answer, isOp, type NodeOf, type OperatorTable } from '../ops/nodes.ts';
import { type Edges, type Pass, rewriteEach, sameShape, shapeOf } from './match.ts';

/**
 * Moves transposes behind operations that work in any order of axes, if that leaves fewer transposes, or equally many
 * with no more elements. Behind an operation they meet others to cancel with, and the operation can fuse with the node
 * before it. Transposes only ever move down, so the pass terminates.
 */
export const sinkTransposes: Pass = (graph) =>
  rewriteEach(graph, (node, edges) => {
    if (!isOp(node, 'transpose')) return false;
    const { permutation } = node.attributes;
    if (!edges.readers(node.outputs[0]).some((reader) => canPermute(graph, reader, permutation))) return false;
    const region = regionBelow(graph, node, edges);
    if (!isWorthwhile(region)) return false;
    sink(region);
    removeDead(graph);
    return true;
  });

/** Operations that can all work on their inputs as they were before the same transpose. */
interface TransposedRegion {
  graph: Graph;
  edges: Edges;
  permutation: readonly number[];
  nodes: Set<Node>;
  /** Transposes that feed the region. */
  feeding: Set<NodeOf<'transpose'>>;
}

function regionBelow(graph: Graph, seed: NodeOf<'transpose'>, edges: Edges): TransposedRegion {
  const { permutation } = seed.attributes;
  const region: TransposedRegion = { graph, edges, permutation, nodes: new Set(), feeding: new Set() };
  const reached = new Set(seed.outputs);
  for (const node of graph.nodes) {
    if (!node.inputs.some((name) => reached.has(name)) || !canPermute(graph, node, permutation)) continue;
    const feeding: NodeOf<'transpose'>[] = [];
    const fits = node.inputs.every((name) => {
      if (valueOf(graph, name).data) return true;
      const maker = edges.maker(name);
      if (maker && region.nodes.has(maker)) return true;
      if (!isOp(maker, 'transpose') || !sameShape(maker.attributes.permutation, permutation)) return false;
      feeding.push(maker);
      return true;
    });
    if (!fits) continue;
    region.nodes.add(node);
    for (const transpose of feeding) region.feeding.add(transpose);
    for (const output of node.outputs) reached.add(output);
  }
  return region;
}

/** Whether the operator has a form for permuted axes, with all computed operands of the permutation's rank. */
function canPermute(graph: Graph, node: Node, permutation: readonly number[]): boolean {
  const rank = permutation.length;
  if (node.outputs.some((name) => shapeOf(graph, name).length !== rank)) return false;
  const fits = node.inputs.every(
    (name) => name !== '' && (valueOf(graph, name).data || shapeOf(graph, name).length === rank),
  );
  return fits && answer(permuted, node, reordering(permutation)) !== undefined;
}

function isWorthwhile(region: TransposedRegion): boolean {
  const { graph, edges, permutation, nodes, feeding } = region;
  if (nodes.size === 0) return false;
  const staysInside = (value: string) =>
    !isGraphOutput(graph, value) && edges.readers(value).every((reader) => nodes.has(reader));
  const removed = [...feeding].filter(({ outputs }) => staysInside(outputs[0])).map(({ outputs }) => outputs[0]);
  const added: string[] = [];
  for (const value of [...nodes].flatMap((node) => node.outputs)) {
    if (staysInside(value)) continue;
    let needed = isGraphOutput(graph, value);
    for (const reader of edges.readers(value)) {
      if (nodes.has(reader)) continue;
      const cancels =
        isOp(reader, 'transpose') && isIdentity(composePermutations(permutation, reader.attributes.permutation));
      if (cancels) removed.push(reader.outputs[0]);
      else needed = true;
    }
    if (needed) added.push(value);
  }
  const elements = (values: string[]) => values.reduce((sum, name) => sum + elementCount(shapeOf(graph, name)), 0);
  if (added.length !== removed.length) return added.length < removed.length;
  return elements(added) <= elements(removed);
}

function sink({ graph, permutation, nodes, feeding }: TransposedRegion): void {
  const inverse = inversePermutation(permutation);
  /** Each value as it was before the transpose. */
  const before = new Map<string, string>();
  for (const { inputs, outputs } of feeding) before.set(outputs[0], inputs[0]);
  for (const node of graph.nodes.slice()) {
    if (!nodes.has(node)) continue;
    node.inputs = node.inputs.map((name) => before.get(name) ?? permutedConstant(graph, name, inverse));
    node.attributes = answer(permuted, node, reordering(permutation))!;
    const after = graph.nodes[graph.nodes.indexOf(node) + 1];
    const outputs = node.outputs;
    node.outputs = outputs.map((name) => {
      const source = freshName(graph, `${name}_sunk`);
      graph.values.set(source, { name: source, shape: permuteShape(shapeOf(graph, name), inverse), dtype: 'float32' });
      before.set(name, source);
      return source;
    });
    // If nothing outside reads it, this is dead code.
    outputs.forEach((name, i) => {
      const transpose = { name: `${node.name}_transpose`, op: 'transpose', attributes: { permutation } };
      addNode(graph, { ...transpose, inputs: [node.outputs[i]], outputs: [name] }, after);
    });
  }
}

/** The constant that becomes this one when transposed. Shorter shapes broadcast, so they get leading axes first. */
function permutedConstant(graph: Graph, name: string, inverse: readonly number[]): string {
  const { shape, data } = constantOf(graph, name)!;
  if (shape.length <= inverse.length && data.length === 1) return name;
  const full = [...Array.from({ length: inverse.length - shape.length }, () => 1), ...shape];
  return addConstant(graph, `${name}_permuted`, permuteShape(full, inverse), permuteData(data, full, inverse));
}

/** Maps the axes of a value after a transpose to those before it. */
interface Reordering {
  /** The axis before the transpose of an axis after it. */
  axis(after: number): number;
  /** The same of several axes, in ascending order. */
  axes(after: readonly number[]): number[];
  /** Numbers for every axis after the transpose, in the order of the axes before it. */
  perAxis(after: readonly number[]): number[];
}

/** Axis i of the transposed value is axis permutation[i] of the value itself. */
function reordering(permutation: readonly number[]): Reordering {
  const inverse = inversePermutation(permutation);
  return {
    axis: (after) => permutation[after],
    axes: (after) => inverse.flatMap((axis, before) => (after.includes(axis) ? [before] : [])),
    perAxis: (after) => inverse.map((axis) => after[axis]),
  };
}

/** The attributes with which a node works on its inputs from before a transpose; undefined when it cannot. */
const permuted: OperatorTable<[before: Reordering], object | undefined> = {
  unary: ({ attributes }) => attributes,
  binary: ({ attributes }) => attributes,
  concat: onOneAxis,
  split: onOneAxis,
  softmax: onOneAxis,
  pad({ attributes }, { perAxis }) {
    return { ...attributes, before: perAxis(attributes.before), after: perAxis(attributes.after) };
  },
  slice({ attributes: { starts, sizes, steps } }, { perAxis }) {
    return { starts: perAxis(starts), sizes: perAxis(sizes), steps: perAxis(steps) };
  },
  reduce({ attributes }, { axes }) {
    return attributes.keepDims ? { ...attributes, axes: axes(attributes.axes) } : undefined;
  },
  // planes need rows and columns last
  conv2d: cannot,
  convTranspose2d: cannot,
  maxPool: cannot,
  averagePool: cannot,
  resize: cannot,
  depthToSpace: cannot,
  spaceToDepth: cannot,
  // the last axes are multiplied
  gridSample: cannot,
  linear: cannot,
  matmul: cannot,
  topK: cannot,
  takeAlongAxis: cannot,
  // they depend on the order of elements
  reshape: cannot,
  transpose: cannot,
  // its output has other axes than its input
  gather: cannot,
};

function onOneAxis({ attributes }: NodeOf<'concat' | 'split' | 'softmax'>, { axis }: Reordering): object {
  return { ...attributes, axis: axis(attributes.axis) };
}

function cannot(): undefined {
  return undefined;
}
