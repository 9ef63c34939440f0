// Permutes channels throughout a network. Its results stay the same up to the order of sums.
import { FiligreeError } from '../../errors.ts';
import { isPermutation } from '../../graph/permute.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { type Algebra, fixed, type Labels } from './algebra.ts';
import { channelAxis } from '../layer-nodes.ts';
import { labelValues } from './labels.ts';
import { analyseChannels, type ChannelAnalysis } from './spaces.ts';
import { type AxisOrders, takeChannels } from './take.ts';

/** Permutations by the name of a space: channel c of the result is channel `permutation[c]` of the graph. */
export type ChannelPermutations = ReadonlyMap<string, Int32Array>;

/**
 * A copy of the graph with the channels of some of its spaces (`channelSpaces(graph)`) in another order: rows of the layers
 * that make them, inputs of those that read them, and everything between. Its inputs and outputs stay. The graph itself is
 * not changed.
 * @throws FiligreeError `invalid-argument` for an unknown, fixed or rigid space, and for numbers that are not a permutation
 */
export function permuteChannels(graph: Graph, permutations: ChannelPermutations): Graph {
  const analysis = analyseChannels(graph);
  const orders = ordersOf(graph, analysis, permutations);
  checkOrders(graph, orders);
  return takeChannels(graph, orders);
}

function ordersOf(
  graph: Graph,
  { spaces, labels, places }: ChannelAnalysis,
  permutations: ChannelPermutations,
): Map<string, AxisOrders> {
  const moved = new Map<number, { name: string; permutation: Int32Array }>();
  for (const [name, permutation] of permutations) {
    const index = spaces.findIndex((space) => space.name === name);
    if (index < 0) throw invalid(graph, `there is no channel space "${name}"`);
    const { size, fixed: why = spaces[index].rigid } = spaces[index];
    if (why !== undefined) throw invalid(graph, `the channels of "${name}" stay: ${why}`);
    if (!isPermutation(Array.from(permutation), size)) {
      throw invalid(graph, `"${name}": wanted a permutation of ${size} channels`);
    }
    moved.set(index, { name, permutation });
  }
  // the label of each channel of each space
  const labelOf = spaces.map(({ size }) => new Int32Array(size));
  for (const [label, { space, channel }] of places) labelOf[space][channel] = label;
  const orders = new Map<string, AxisOrders>();
  for (const [value, axes] of labels) {
    const found = axes.map((axis) => axis && orderOf(axis, places, moved, labelOf));
    if (found.some(Boolean)) orders.set(value, found);
  }
  return orders;
}

/** The k-th position of a channel receives the k-th position of the channel that replaces it. */
function orderOf(
  axis: Labels,
  places: ChannelAnalysis['places'],
  moved: ReadonlyMap<number, { permutation: Int32Array }>,
  labelOf: readonly Int32Array[],
): Int32Array | undefined {
  const positions = new Map<number, number[]>();
  axis.forEach((label, position) => {
    const known = positions.get(label);
    if (known) known.push(position);
    else positions.set(label, [position]);
  });
  const order = Int32Array.from(axis.keys());
  let isMoved = false;
  for (const [label, own] of positions) {
    const place = places.get(label);
    const move = place && moved.get(place.space);
    if (!move) continue;
    const source = positions.get(labelOf[place.space][move.permutation[place.channel]])!;
    own.forEach((position, k) => (order[position] = source[k]));
    isMoved = true;
  }
  return isMoved ? order : undefined;
}

/**
 * Records how every position of every value is computed, before and after, and compares them. Interchangeable channels should
 * always pass; this makes sure.
 * @throws Error naming the value
 */
function checkOrders(graph: Graph, orders: ReadonlyMap<string, AxisOrders>): void {
  const origins = new Origins();
  const before = labelValues(graph, origins);
  const after = labelValues(graph, origins.reordered(orders));
  for (const [value, axes] of before) {
    axes.forEach((labels, axis) => {
      const order = orders.get(value)?.[axis];
      const found = after.get(value)![axis];
      if (labels?.every((_, i) => found![i] === labels[order ? order[i] : i]) ?? true) return;
      throw new Error(`${graph.name}: the channels of "${value}" would not be those of before`);
    });
  }
}

/** Labels that record how a position was computed: positions with equal labels hold the same numbers. */
class Origins implements Algebra {
  readonly #known = new Map<string, number>();
  readonly #fresh = new Map<string, Labels>();
  readonly #orders?: ReadonlyMap<string, AxisOrders>;

  constructor(of?: Origins, orders?: ReadonlyMap<string, AxisOrders>) {
    if (of) {
      this.#known = of.#known;
      this.#fresh = of.#fresh;
    }
    this.#orders = orders;
  }

  /** The same labels for layers that make their channels in these orders. */
  reordered(orders: ReadonlyMap<string, AxisOrders>): Origins {
    return new Origins(this, orders);
  }

  #intern(key: string): number {
    const known = this.#known.get(key) ?? this.#known.size;
    this.#known.set(key, known);
    return known;
  }

  fresh(node: Node, count: number): Labels {
    const { name, outputs } = node;
    const [y] = outputs;
    const own = this.#fresh.get(y) ?? Int32Array.from({ length: count }, (_, i) => this.#intern(`${name} ${y} ${i}`));
    this.#fresh.set(y, own);
    const orders = this.#orders?.get(y);
    const order = orders?.[channelAxis(node, orders.length)];
    return order ? own.map((_, i) => own[order[i]]) : own;
  }

  join(a: number, b: number, node: Node): number {
    return this.#intern(`${a} ${b} ${node.outputs[0]}`);
  }

  part(label: number, k: number): number {
    return label === fixed ? fixed : this.#intern(`${label}/${k}`);
  }

  fix(): void {}
}

function invalid(graph: Graph, message: string): FiligreeError {
  return new FiligreeError('invalid-argument', `${graph.name}: ${message}`);
}
