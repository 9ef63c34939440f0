// Follows channels through a graph. Every position of every axis of a value carries a label: what it is a channel of.
// What labels are, and what joining two of them means, is up to the algebra: the analysis of channel spaces merges what
// is used together, the check of a rearrangement writes down how each channel came about.
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { isOp } from '../../ops/nodes.ts';
import { positionsIn } from './indices.ts';

/** One label for each position of an axis; `fixed` for those that have to stay what and where they are. */
export type Labels = Int32Array;

/** The labels of each axis of a value; `undefined` where all of an axis is fixed. */
export type AxisLabels = readonly (Labels | undefined)[];

export const fixed = -1;

export interface Algebra {
  /** Labels of the channels that a layer makes out of all that it reads. */
  fresh(node: Node, count: number): Labels;
  /** Two channels that must be the same one, since an operator pairs them. Either may be `fixed`. */
  join(a: number, b: number, node: Node): number;
  /** The k-th of several positions that one channel turns into. */
  part(label: number, k: number): number;
  /** These channels can neither go nor move: `why`. */
  fix(label: number, why: string): void;
}

/** Labels of all values that nodes make, by name. Inputs and constants of the graph are fixed and not listed. */
export function labelValues(graph: Graph, algebra: Algebra): Map<string, AxisLabels> {
  const known = new Map<string, AxisLabels>();
  const axesOf = (name: string): AxisLabels => (name === '' ? [] : (known.get(name) ?? []));
  for (const node of graph.nodes) {
    const outputs = labelNode(graph, node, node.inputs.map(axesOf), algebra);
    node.outputs.forEach((name, i) => {
      const { shape } = valueOf(graph, name);
      // an axis of one channel has none to give away
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

function fixAxis(labels: Labels | undefined, why: string, algebra: Algebra): void {
  if (labels) for (const label of labels) if (label !== fixed) algebra.fix(label, why);
}

function labelNode(graph: Graph, node: Node, inputs: readonly AxisLabels[], algebra: Algebra): AxisLabels[] {
  const shape = (name: string) => valueOf(graph, name).shape;
  const [x = []] = inputs;
  const because = (why: string) => `${node.op} "${node.name}" ${why}`;
  const fix = (labels: Labels | undefined, why: string) => fixAxis(labels, because(why), algebra);
  /** Fixes every axis but these. */
  const only = (axes: readonly number[], why: string) =>
    x.map((labels, axis) => {
      if (axes.includes(axis)) return labels;
      fix(labels, why);
      return undefined;
    });

  if (isOp(node, 'conv2d')) return labelConvolution(graph, node, inputs, algebra);
  if (isOp(node, 'linear')) {
    const weights = valueOf(graph, node.inputs[1]);
    if (weights.data) return [[...x.slice(0, -1), algebra.fresh(node, weights.shape[0])]];
  }
  if (isOp(node, 'unary')) return [x];
  if (isOp(node, 'binary')) return [labelBinary(graph, node, inputs, algebra)];
  if (isOp(node, 'maxPool', 'averagePool', 'resize')) return [only([0, 1], 'slides over them')];
  if (isOp(node, 'reduce')) {
    const { axes, keepDims } = node.attributes;
    const kept = shape(node.inputs[0]).map((_, axis) => axis);
    const open = only(
      kept.filter((axis) => !axes.includes(axis)),
      'reduces them to one',
    );
    return [keepDims ? open : open.filter((_, axis) => !axes.includes(axis))];
  }
  if (isOp(node, 'softmax')) {
    const { axis } = node.attributes;
    fix(x[axis], 'divides by the sum over them');
    return [x];
  }
  if (isOp(node, 'concat')) return [labelConcat(graph, node, inputs, algebra)];
  if (isOp(node, 'split')) {
    const { axis, sizes } = node.attributes;
    let start = 0;
    return sizes.map((size) => {
      const from = start;
      start += size;
      return replaced(x, axis, x[axis]?.subarray(from, start));
    });
  }
  if (isOp(node, 'slice')) {
    const { starts, sizes, steps } = node.attributes;
    const [{ length: rank }, from] = [starts, shape(node.inputs[0])];
    return [
      Array.from({ length: rank }, (_, axis) => {
        const labels = x[axis];
        if (!labels || (steps[axis] === 1 && sizes[axis] === from[axis])) return labels;
        if (steps[axis] !== 1) fix(labels, 'takes every few of them');
        return steps[axis] === 1 ? labels.subarray(starts[axis], starts[axis] + sizes[axis]) : undefined;
      }),
    ];
  }
  if (isOp(node, 'gather')) {
    const { axis } = node.attributes;
    const indices = valueOf(graph, node.inputs[1]);
    if (indices.shape.length === 1 && indices.data) {
      const labels = x[axis];
      return [replaced(x, axis, labels && Int32Array.from(positionsIn(indices, labels.length), (i) => labels[i]))];
    }
  }
  if (isOp(node, 'pad')) {
    const { before, after, mode } = node.attributes;
    return [
      x.map((labels, axis) => {
        if (!labels || (before[axis] === 0 && after[axis] === 0)) return labels;
        if (mode === 'constant' && before[axis] >= 0 && after[axis] >= 0) {
          const padded = new Int32Array(before[axis] + labels.length + after[axis]).fill(fixed);
          padded.set(labels, before[axis]);
          return padded;
        }
        fix(labels, 'repeats or crops them');
        return undefined;
      }),
    ];
  }
  if (isOp(node, 'reshape')) return [labelReshape(graph, node, x, algebra)];
  if (isOp(node, 'transpose')) return [node.attributes.permutation.map((axis) => x[axis])];
  if (isOp(node, 'spaceToDepth')) {
    const blocks = node.attributes.blockSize ** 2;
    const [batch, channels] = only([0, 1], 'takes them apart');
    // (b, b, C)
    const parts =
      channels &&
      Int32Array.from({ length: blocks * channels.length }, (_, i) =>
        partOf(channels[i % channels.length], Math.floor(i / channels.length), algebra),
      );
    return [[batch, parts, undefined, undefined]];
  }
  if (isOp(node, 'depthToSpace')) {
    const { blockSize, order } = node.attributes;
    const blocks = blockSize ** 2;
    const [batch, channels] = only([0, 1], 'puts them together');
    const count = (channels?.length ?? 0) / blocks;
    const joined =
      channels &&
      Int32Array.from({ length: count }, (_, c) => {
        const at = (k: number) => channels[order === 'DCR' ? k * count + c : c * blocks + k];
        let label = at(0);
        for (let k = 1; k < blocks; k++) label = algebra.join(label, at(k), node);
        return label;
      });
    return [[batch, joined, undefined, undefined]];
  }
  for (const axes of inputs) for (const labels of axes) fix(labels, 'is not understood');
  return node.outputs.map(() => []);
}

function labelConvolution(
  graph: Graph,
  node: Node & { attributes: { groups: number } },
  [x, , , residual = []]: readonly AxisLabels[],
  algebra: Algebra,
): AxisLabels[] {
  const [batch, channels, ...spatial] = x;
  const because = (why: string) => `${node.op} "${node.name}" ${why}`;
  for (const labels of spatial) fixAxis(labels, because('slides over them'), algebra);
  const weights = valueOf(graph, node.inputs[1]);
  const { groups } = node.attributes;
  const [rows, perGroup] = weights.shape;
  let outputs: Labels | undefined;
  if (!weights.data) {
    fixAxis(channels, because('has computed weights'), algebra);
  } else if (groups === 1) {
    outputs = algebra.fresh(node, rows);
  } else if (perGroup === 1) {
    const multiplier = rows / groups;
    if (multiplier === 1) outputs = channels;
    else if (channels) {
      outputs = Int32Array.from({ length: rows }, (_, o) =>
        partOf(channels[Math.floor(o / multiplier)], o % multiplier, algebra),
      );
    }
  } else {
    // Groups keep equal sizes: what goes from one goes from all.
    if (channels) joinAcross(channels, groups, node, algebra);
    outputs = joinAcross(algebra.fresh(node, rows), groups, node, algebra);
  }
  if (node.inputs[3]) outputs = joinAxes([outputs, residual[1]], node, algebra);
  return [[batch, outputs, undefined, undefined]];
}

/** Joins channels that have the same place in their groups. */
function joinAcross(labels: Labels, groups: number, node: Node, algebra: Algebra): Labels {
  const size = labels.length / groups;
  for (let i = size; i < labels.length; i++) algebra.join(labels[i % size], labels[i], node);
  return labels;
}

function labelBinary(graph: Graph, node: Node, inputs: readonly AxisLabels[], algebra: Algebra): AxisLabels {
  const { shape } = valueOf(graph, node.outputs[0]);
  const operands = node.inputs.map((name, i) => ({ value: valueOf(graph, name), labels: inputs[i] }));
  return shape.map((size, axis) => {
    if (size === 1) return undefined;
    // a constant's numbers go with its channels; what is broadcast has none of this axis
    const along = operands.filter(({ value }) => {
      return !value.data && value.shape[axis - shape.length + value.shape.length] === size;
    });
    return joinAxes(
      along.map(({ value, labels }) => labels[axis - shape.length + value.shape.length]),
      node,
      algebra,
    );
  });
}

/** Joins labels position by position. */
function joinAxes(axes: readonly (Labels | undefined)[], node: Node, algebra: Algebra): Labels | undefined {
  const length = axes.find((labels) => labels !== undefined)?.length;
  if (length === undefined) return undefined;
  return Int32Array.from({ length }, (_, i) =>
    axes.map((labels) => labels?.[i] ?? fixed).reduce((a, b) => (a === b ? a : algebra.join(a, b, node))),
  );
}

function labelConcat(
  graph: Graph,
  node: Node & { attributes: { axis: number } },
  inputs: readonly AxisLabels[],
  algebra: Algebra,
): AxisLabels {
  const { axis } = node.attributes;
  const { shape } = valueOf(graph, node.outputs[0]);
  return shape.map((size, a) => {
    if (a !== axis) {
      return joinAxes(
        inputs.map((labels) => labels[a]),
        node,
        algebra,
      );
    }
    if (inputs.every((labels) => !labels[axis])) return undefined;
    const all = new Int32Array(size).fill(fixed);
    let start = 0;
    node.inputs.forEach((name, i) => {
      const labels = inputs[i][axis];
      if (labels) all.set(labels, start);
      start += valueOf(graph, name).shape[axis];
    });
    return all;
  });
}

/** Axes that become one with fixed ones have a run of positions for each channel; those that are cut up are fixed. */
function labelReshape(graph: Graph, node: Node, x: AxisLabels, algebra: Algebra): AxisLabels {
  const from = valueOf(graph, node.inputs[0]).shape;
  const to = valueOf(graph, node.outputs[0]).shape;
  const result: (Labels | undefined)[] = to.map(() => undefined);
  for (const { sources, targets } of reshapedAxes(from, to)) {
    const labelled = sources.filter((axis) => x[axis]);
    const [axis] = labelled;
    if (axis === undefined) continue;
    if (targets.length !== 1 || labelled.length > 1) {
      for (const a of labelled) fixAxis(x[a], `${node.op} "${node.name}" cuts them up`, algebra);
      continue;
    }
    const labels = x[axis]!;
    const outer = sources.filter((a) => a < axis).reduce((n, a) => n * from[a], 1);
    const inner = sources.filter((a) => a > axis).reduce((n, a) => n * from[a], 1);
    const isWhole = outer * inner === 1;
    result[targets[0]] = isWhole
      ? labels
      : Int32Array.from({ length: outer * labels.length * inner }, (_, i) => {
          const run = Math.floor(i / inner);
          const k = Math.floor(run / labels.length) * inner + (i % inner);
          return partOf(labels[run % labels.length], k, algebra);
        });
  }
  return result;
}

/** Axes longer than 1 of two shapes of the same elements, in the smallest runs that hold the same elements. */
function reshapedAxes(from: readonly number[], to: readonly number[]): { sources: number[]; targets: number[] }[] {
  const long = (shape: readonly number[]) => shape.map((_, axis) => axis).filter((axis) => shape[axis] > 1);
  const [left, right] = [long(from), long(to)];
  const runs: { sources: number[]; targets: number[] }[] = [];
  while (left.length > 0) {
    const run = { sources: [left.shift()!], targets: [right.shift()!] };
    let a = from[run.sources[0]];
    let b = to[run.targets[0]];
    while (a !== b) {
      if (a < b) {
        run.sources.push(left[0]);
        a *= from[left.shift()!];
      } else {
        run.targets.push(right[0]);
        b *= to[right.shift()!];
      }
    }
    runs.push(run);
  }
  return runs;
}

function partOf(label: number, k: number, algebra: Algebra): number {
  return label === fixed ? fixed : algebra.part(label, k);
}

function replaced(axes: AxisLabels, axis: number, labels: Labels | undefined): AxisLabels {
  return axes.map((old, i) => (i === axis ? labels : old));
}
