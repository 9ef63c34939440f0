// Bounds of values by interval arithmetic, without computing them. NaN is ignored.
import { applyActivation } from '../graph/activation.ts';
import { constantOf } from '../graph/edit.ts';
import type { Graph, Node } from '../graph/graph.ts';
import type { Activation } from '../program/activations.ts';
import { answer, type NodeOf, type OperatorTable } from '../ops/nodes.ts';
import { type Edges, shapeOf } from './match.ts';

/** No number is below `low` or above `high`. */
export interface Interval {
  low: number;
  high: number;
}

export const everything: Readonly<Interval> = { low: -Infinity, high: Infinity };

/** Maximum depth of nodes to follow. */
export const maxNodes = 64;

/** True when no element can be negative (NaN aside). */
export function isNonNegative(edges: Edges, value: string): boolean {
  const known = new Map<string, Interval>();
  const rangeOf = (name: string, depth: number): Interval => {
    const before = known.get(name);
    if (before) return before;
    const node = edges.maker(name);
    const range = node
      ? depth < maxNodes
        ? rangeAfter(edges.graph, node, (input) => rangeOf(input, depth + 1))
        : everything
      : constantRange(edges.graph, name);
    known.set(name, range);
    return range;
  };
  return rangeOf(value, 0).low >= 0;
}

/** The range of a constant. Any other value that no node makes can be anything. */
export function constantRange(graph: Graph, value: string): Interval {
  const constant = constantOf(graph, value);
  if (!constant) return everything;
  let { low, high } = { low: Infinity, high: -Infinity };
  for (const v of constant.data) {
    if (Number.isNaN(v)) return everything;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? { low, high } : everything;
}

/** The ranges of a node's inputs. */
interface InputRanges {
  graph: Graph;
  rangeOf: (value: string) => Interval;
}

/** The range of all outputs of a node; `rangeOf` gives the ranges of its inputs. */
export function rangeAfter(graph: Graph, node: Node, rangeOf: (value: string) => Interval): Interval {
  return answer(rangesAfter, node, { graph, rangeOf });
}

const rangesAfter: OperatorTable<[known: InputRanges], Interval> = {
  conv2d: ofActivation,
  convTranspose2d: ofActivation,
  linear: ofActivation,
  // sums of products can be anything
  matmul: () => everything,
  topK: ({ inputs: [x], attributes: { axis } }, { graph }) => ({ low: 0, high: shapeOf(graph, x)[axis] - 1 }),
  takeAlongAxis: ofInput,
  unary: ({ inputs: [x], attributes }, { rangeOf }) => activated(rangeOf(x), attributes),
  binary({ inputs, attributes: { fn, activation } }, { rangeOf }) {
    const [a, b] = inputs.map(rangeOf);
    return activated(combined(fn, a, b), activation);
  },
  maxPool: ({ inputs: [x], attributes }, { rangeOf }) => activated(rangeOf(x), attributes.activation),
  averagePool({ inputs: [x], attributes: { countIncludePad, pads, activation } }, { rangeOf }) {
    const padded = countIncludePad && pads.some((n) => n > 0);
    return activated(padded ? hull([rangeOf(x), { low: 0, high: 0 }]) : rangeOf(x), activation);
  },
  reduce({ inputs: [x], attributes: { fn, axes } }, { graph, rangeOf }) {
    if (fn !== 'sum') return rangeOf(x);
    const count = axes.reduce((product, axis) => product * shapeOf(graph, x)[axis], 1);
    return combined('mul', rangeOf(x), { low: count, high: count });
  },
  // averages or copies the elements of its input
  resize: ofInput,
  concat: ({ inputs }, { rangeOf }) => hull(inputs.map(rangeOf)),
  split: ofInput,
  slice: ofInput,
  gather: ofInput,
  pad({ inputs: [x], attributes: { mode, value } }, { rangeOf }) {
    return mode === 'constant' ? hull([rangeOf(x), { low: value, high: value }]) : rangeOf(x);
  },
  reshape: ofInput,
  transpose: ofInput,
  depthToSpace: ofInput,
  spaceToDepth: ofInput,
  softmax: () => ({ low: 0, high: 1 }),
  gridSample({ inputs: [x], attributes: { padding } }, { rangeOf }) {
    return padding === 'zeros' ? hull([rangeOf(x), { low: 0, high: 0 }]) : rangeOf(x);
  },
};

function ofInput({ inputs: [x] }: Node, { rangeOf }: InputRanges): Interval {
  return rangeOf(x);
}

/** The range of the activation alone, because sums of products can be anything. */
function ofActivation({ attributes }: NodeOf<'conv2d' | 'convTranspose2d' | 'linear'>): Interval {
  return activated(everything, attributes.activation);
}

function hull(ranges: readonly Interval[]): Interval {
  return extremes(ranges.flatMap(({ low, high }) => [low, high]));
}

/** From the least to the largest number; everything when one is NaN. */
function extremes(numbers: readonly number[]): Interval {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return Number.isNaN(low) ? everything : { low, high };
}

function combined(fn: NodeOf<'binary'>['attributes']['fn'], a: Interval, b: Interval): Interval {
  switch (fn) {
    case 'add':
      return extremes([a.low + b.low, a.high + b.high]);
    case 'sub':
      return extremes([a.low - b.high, a.high - b.low]);
    case 'mul':
      return extremes([a.low, a.high].flatMap((x) => [times(x, b.low), times(x, b.high)]));
    case 'div':
      return combined('mul', a, activated(b, { fn: 'reciprocal' }));
    case 'min':
      return { low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) };
    case 'max':
      return { low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) };
    case 'pow':
      return a.low >= 0 ? { low: 0, high: Infinity } : everything;
    case 'prelu': {
      const negative = combined('mul', { low: Math.min(a.low, 0), high: Math.min(a.high, 0) }, b);
      if (a.low >= 0) return a;
      return a.high > 0 ? hull([{ low: 0, high: a.high }, negative]) : negative;
    }
    case 'less':
    case 'lessOrEqual':
    case 'equal':
      return { low: 0, high: 1 };
    case 'select':
      return hull([b, { low: 0, high: 0 }]);
    default:
      return everything;
  }
}

/** Infinite bounds stand for arbitrarily large numbers, so 0 times one is 0. */
const times = (x: number, y: number) => (x === 0 || y === 0 ? 0 : x * y);

/** The minimum of each function that first falls and then rises. */
const dips: Partial<Record<Activation['fn'], number>> = {
  silu: -1.278464542761074,
  gelu: -0.7517915953145838,
  mish: -1.1924312101790873,
};

/** The range of f(x) for x in a range. */
export function activated({ low, high }: Interval, activation: Activation | undefined): Interval {
  if (!activation || activation.fn === 'identity') return { low, high };
  const { fn, alpha = 0, beta = 0 } = activation;
  const f = (x: number) => applyActivation(x, activation);
  switch (fn) {
    case 'reciprocal':
      if (low > 0 || high < 0) return extremes([f(low), f(high)]);
      if (low === 0) return { low: f(high), high: Infinity };
      return everything;
    case 'sqrt':
    case 'log':
    case 'rsqrt':
      return extremes([f(Math.max(low, 0)), f(high)]);
    case 'silu':
    case 'gelu':
    case 'mish':
    case 'hardSwish': {
      if (fn === 'hardSwish' && !(alpha > 0)) return everything;
      const dip = dips[fn] ?? -beta / (2 * alpha);
      // At −∞ they are 0.
      const ends = [low, high].map((x) => (x === -Infinity ? 0 : f(x)));
      return extremes(low < dip && dip < high ? [...ends, f(dip)] : ends);
    }
    case 'sin':
    case 'cos':
      return { low: -1, high: 1 };
    default:
      // The others are monotonic on either side of 0.
      return extremes(low < 0 && high > 0 ? [f(low), f(0), f(high)] : [f(low), f(high)]);
  }
}
