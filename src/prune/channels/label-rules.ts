// The labels of every operator's outputs, from the labels of its inputs.
import { type Graph, type Node, type Shape, valueOf } from '../../graph/graph.ts';
import type { NodeOf, OperatorTable } from '../../ops/nodes.ts';
import {
  type Algebra,
  type AxisLabels,
  fixAxis,
  fixed,
  joinAcross,
  joinAxes,
  type Labels,
  partOf,
  replaced,
} from './algebra.ts';
import { positionsIn } from './indices.ts';

/** A node whose outputs get labels. */
export class Labelling {
  readonly graph: Graph;
  readonly inputs: readonly AxisLabels[];
  readonly algebra: Algebra;
  readonly #node: Node;

  constructor(graph: Graph, node: Node, inputs: readonly AxisLabels[], algebra: Algebra) {
    this.graph = graph;
    this.#node = node;
    this.inputs = inputs;
    this.algebra = algebra;
  }

  /** Labels of the first input. */
  get x(): AxisLabels {
    return this.inputs[0] ?? [];
  }

  /** Shape of the first input. */
  get shape(): Shape {
    return valueOf(this.graph, this.#node.inputs[0]).shape;
  }

  /** Fixes channels, which then can be neither removed nor moved, because the node does `what` with them. */
  fix(labels: Labels | undefined, what: string): void {
    fixAxis(labels, `${this.#node.op} "${this.#node.name}" ${what}`, this.algebra);
  }

  /** The labels of the first input, with every axis fixed except these. */
  only(axes: readonly number[], what: string): (Labels | undefined)[] {
    return this.x.map((labels, axis) => {
      if (axes.includes(axis)) return labels;
      this.fix(labels, what);
      return undefined;
    });
  }
}

/** Labels of a node's outputs. */
export const labelRules: OperatorTable<[labelling: Labelling], AxisLabels[]> = {
  conv2d: labelConvolution,
  convTranspose2d: notUnderstood,
  linear(node, labelling) {
    const weights = valueOf(labelling.graph, node.inputs[1]);
    if (!weights.data) return notUnderstood(node, labelling);
    return [[...labelling.x.slice(0, -1), labelling.algebra.fresh(node, weights.shape[0])]];
  },
  matmul: notUnderstood,
  topK: notUnderstood,
  takeAlongAxis: notUnderstood,
  unary: (_, { x }) => [x],
  binary: labelBinary,
  maxPool: slides,
  averagePool: slides,
  resize: slides,
  reduce({ attributes: { axes, keepDims } }, labelling) {
    const kept = labelling.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const open = labelling.only(kept, 'reduces them to one');
    return [keepDims ? open : open.filter((_, axis) => !axes.includes(axis))];
  },
  concat: labelConcat,
  split({ attributes: { axis, sizes } }, { x }) {
    let start = 0;
    return sizes.map((size) => {
      const from = start;
      start += size;
      return replaced(x, axis, x[axis]?.subarray(from, start));
    });
  },
  slice: labelSlice,
  gather(node, labelling) {
    const { axis } = node.attributes;
    const indices = valueOf(labelling.graph, node.inputs[1]);
    if (indices.shape.length !== 1 || !indices.data) return notUnderstood(node, labelling);
    const labels = labelling.x[axis];
    const chosen = labels && Int32Array.from(positionsIn(indices, labels.length), (i) => labels[i]);
    return [replaced(labelling.x, axis, chosen)];
  },
  pad: labelPad,
  reshape: labelReshape,
  transpose: ({ attributes }, { x }) => [attributes.permutation.map((axis) => x[axis])],
  depthToSpace: labelDepthToSpace,
  spaceToDepth({ attributes: { blockSize } }, labelling) {
    const blocks = blockSize ** 2;
    const [batch, channels] = labelling.only([0, 1], 'takes them apart');
    // (b, b, C)
    const parts =
      channels &&
      Int32Array.from({ length: blocks * channels.length }, (_, i) =>
        partOf(channels[i % channels.length], Math.floor(i / channels.length), labelling.algebra),
      );
    return [[batch, parts, undefined, undefined]];
  },
  softmax({ attributes: { axis } }, labelling) {
    labelling.fix(labelling.x[axis], 'divides by the sum over them');
    return [labelling.x];
  },
  gridSample(_, labelling) {
    for (const labels of labelling.inputs[1]) labelling.fix(labels, 'are coordinates');
    return [labelling.only([0, 1], 'samples them')];
  },
};

/** Fixes every channel that the node reads or makes. */
function notUnderstood({ outputs }: Node, labelling: Labelling): AxisLabels[] {
  for (const axes of labelling.inputs) for (const labels of axes) labelling.fix(labels, 'is not understood');
  return outputs.map(() => []);
}

function slides(_: Node, labelling: Labelling): AxisLabels[] {
  return [labelling.only([0, 1], 'slides over them')];
}

function labelConvolution(node: NodeOf<'conv2d'>, labelling: Labelling): AxisLabels[] {
  const { graph, algebra, inputs } = labelling;
  const [x, , , residual = []] = inputs;
  const [batch, channels, ...spatial] = x;
  for (const labels of spatial) labelling.fix(labels, 'slides over them');
  const weights = valueOf(graph, node.inputs[1]);
  const { groups } = node.attributes;
  const [rows, perGroup] = weights.shape;
  let outputs: Labels | undefined;
  if (!weights.data) {
    labelling.fix(channels, 'has computed weights');
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
    // Groups keep equal sizes, so a channel is removed from all of them.
    if (channels) joinAcross(channels, groups, node, algebra);
    outputs = joinAcross(algebra.fresh(node, rows), groups, node, algebra);
  }
  if (node.inputs[3]) outputs = joinAxes([outputs, residual[1]], node, algebra);
  return [[batch, outputs, undefined, undefined]];
}

function labelBinary(node: NodeOf<'binary'>, { graph, inputs, algebra }: Labelling): AxisLabels[] {
  const { shape } = valueOf(graph, node.outputs[0]);
  const operands = node.inputs.map((name, i) => ({ value: valueOf(graph, name), labels: inputs[i] }));
  const labels = shape.map((size, axis) => {
    if (size === 1) return undefined;
    // a constant's numbers belong to its channels; a broadcast operand has none along this axis
    const along = operands.filter(({ value }) => {
      return !value.data && value.shape[axis - shape.length + value.shape.length] === size;
    });
    return joinAxes(
      along.map(({ value, labels }) => labels[axis - shape.length + value.shape.length]),
      node,
      algebra,
    );
  });
  return [labels];
}

function labelConcat(node: NodeOf<'concat'>, { graph, inputs, algebra }: Labelling): AxisLabels[] {
  const { axis } = node.attributes;
  const { shape } = valueOf(graph, node.outputs[0]);
  const labels = shape.map((size, a) => {
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
  return [labels];
}

function labelSlice({ attributes }: NodeOf<'slice'>, labelling: Labelling): AxisLabels[] {
  const { starts, sizes, steps } = attributes;
  const from = labelling.shape;
  return [
    starts.map((start, axis) => {
      const labels = labelling.x[axis];
      if (!labels || (steps[axis] === 1 && sizes[axis] === from[axis])) return labels;
      if (steps[axis] === 1) return labels.subarray(start, start + sizes[axis]);
      labelling.fix(labels, 'takes every few of them');
      return undefined;
    }),
  ];
}

function labelPad({ attributes: { before, after, mode } }: NodeOf<'pad'>, labelling: Labelling): AxisLabels[] {
  return [
    labelling.x.map((labels, axis) => {
      if (!labels || (before[axis] === 0 && after[axis] === 0)) return labels;
      if (mode === 'constant' && before[axis] >= 0 && after[axis] >= 0) {
        const padded = new Int32Array(before[axis] + labels.length + after[axis]).fill(fixed);
        padded.set(labels, before[axis]);
        return padded;
      }
      labelling.fix(labels, 'repeats or crops them');
      return undefined;
    }),
  ];
}

/** An axis that is joined with fixed axes has a run of positions for each channel. Axes that are cut up become fixed. */
function labelReshape(node: NodeOf<'reshape'>, labelling: Labelling): AxisLabels[] {
  const { graph, algebra, x } = labelling;
  const from = valueOf(graph, node.inputs[0]).shape;
  const to = valueOf(graph, node.outputs[0]).shape;
  const result: (Labels | undefined)[] = to.map(() => undefined);
  for (const { sources, targets } of reshapedAxes(from, to)) {
    const labelled = sources.filter((axis) => x[axis]);
    const [axis] = labelled;
    if (axis === undefined) continue;
    if (targets.length !== 1 || labelled.length > 1) {
      for (const a of labelled) labelling.fix(x[a], 'cuts them up');
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
  return [result];
}

/** Axes longer than 1 of two shapes of the same elements, in the smallest runs of axes that hold the same elements. */
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

function labelDepthToSpace(node: NodeOf<'depthToSpace'>, labelling: Labelling): AxisLabels[] {
  const { blockSize, order } = node.attributes;
  const blocks = blockSize ** 2;
  const [batch, channels] = labelling.only([0, 1], 'puts them together');
  const count = (channels?.length ?? 0) / blocks;
  const joined =
    channels &&
    Int32Array.from({ length: count }, (_, c) => {
      const at = (k: number) => channels[order === 'DCR' ? k * count + c : c * blocks + k];
      let label = at(0);
      for (let k = 1; k < blocks; k++) label = labelling.algebra.join(label, at(k), node);
      return label;
    });
  return [[batch, joined, undefined, undefined]];
}
