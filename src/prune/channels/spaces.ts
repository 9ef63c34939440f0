// Finds the channels of a network that are tied to one another: a residual's and its branch's, a depthwise convolution's and
// its input's, a gate's and those that it scales. Follows DepGraph (Fang et al., https://arxiv.org/abs/2301.12900), but by
// channel, not by layer, so that concatenations and splits need no special treatment.
import type { Graph, Node } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { isOp } from '../../ops/nodes.ts';
import { channelAxis, isLayer } from '../layer-nodes.ts';
import { type Algebra, type AxisLabels, fixed, type Labels } from './algebra.ts';
import { labelValues } from './labels.ts';

/** How a layer uses the channels of a space: for each channel its rows, or its positions along the input channels. */
export interface ChannelUse {
  /** Its node's name. */
  readonly layer: string;
  readonly positions: readonly Int32Array[];
}

/**
 * Interchangeable channels: any of them can be removed, and any two can be swapped, if that is done in all layers listed here
 * at once. A channel may be several rows of a layer, and several of its inputs.
 */
export interface ChannelSpace {
  /** The name of the first layer that makes its channels, with `#2`, `#3` … for further spaces of the same layer. */
  readonly name: string;
  /** Number of channels. */
  readonly size: number;
  /** Layers whose rows make these channels. */
  readonly producers: readonly ChannelUse[];
  /** Depthwise convolutions that the channels go through, by rows. */
  readonly depthwise: readonly ChannelUse[];
  /** Layers that sum over these channels, by positions along their input's channels. */
  readonly consumers: readonly ChannelUse[];
  /** Why the channels can neither be removed nor moved. */
  readonly fixed?: string;
  /** Why the channels cannot be permuted, though they can be removed. */
  readonly rigid?: string;
}

export interface ChannelAnalysis {
  readonly spaces: readonly ChannelSpace[];
  /** Labels of the axes of each computed value; equal labels are the same channel. */
  readonly labels: ReadonlyMap<string, AxisLabels>;
  /** The space (an index of `spaces`) and channel of each label. */
  readonly places: ReadonlyMap<number, { space: number; channel: number }>;
}

/** The channel spaces of an optimised graph, in execution order, including fixed ones, with the reason. */
export function channelSpaces(graph: Graph): readonly ChannelSpace[] {
  return analyseChannels(graph).spaces;
}

export function analyseChannels(graph: Graph): ChannelAnalysis {
  const classes = new Classes();
  const labels = new Map<string, AxisLabels>();
  for (const [name, axes] of labelValues(graph, classes)) {
    labels.set(
      name,
      axes.map((axis) => axis?.map((label) => (label === fixed ? fixed : classes.find(label)))),
    );
  }
  const spaces: ChannelSpace[] = [];
  const places = new Map<number, { space: number; channel: number }>();
  const names = new Map<string, number>();
  for (const members of alike(classes, labels)) {
    const [first] = members;
    const base = classes.maker(first).name;
    const count = (names.get(base) ?? 0) + 1;
    names.set(base, count);
    members.forEach((label, channel) => places.set(label, { space: spaces.length, channel }));
    spaces.push({
      name: count === 1 ? base : `${base}#${count}`,
      size: members.length,
      producers: [],
      depthwise: [],
      consumers: [],
      fixed: classes.whyFixed(first),
      rigid: classes.isTwice(first) ? 'channels of the same layer are used as one' : undefined,
    });
  }
  for (const use of usesOf(graph, labels)) collect(use, spaces, places);
  return { spaces, labels, places };
}

/** Channels that are used together, as sets of labels. */
class Classes implements Algebra {
  readonly #parents: number[] = [];
  readonly #makers: Node[] = [];
  readonly #fixed = new Map<number, string>();
  readonly #twice = new Set<number>();

  fresh(node: Node, count: number): Labels {
    return Int32Array.from({ length: count }, () => {
      this.#makers.push(node);
      return this.#parents.push(this.#parents.length) - 1;
    });
  }

  join(a: number, b: number, node: Node): number {
    if (a === fixed || b === fixed) {
      const label = a === fixed ? b : a;
      if (label !== fixed) this.fix(label, `${node.op} "${node.name}" pairs them with what is fixed`);
      return label;
    }
    const [first, second] = [this.find(a), this.find(b)];
    if (first === second) return first;
    const [root, child] = first < second ? [first, second] : [second, first];
    this.#parents[child] = root;
    const why = this.#fixed.get(root) ?? this.#fixed.get(child);
    if (why !== undefined) this.#fixed.set(root, why);
    return root;
  }

  part(label: number): number {
    return label;
  }

  fix(label: number, why: string): void {
    const root = this.find(label);
    if (!this.#fixed.has(root)) this.#fixed.set(root, why);
  }

  find(label: number): number {
    let root = label;
    while (this.#parents[root] !== root) root = this.#parents[root];
    for (let at = label; at !== root;) [at, this.#parents[at]] = [this.#parents[at], root];
    return root;
  }

  maker(label: number): Node {
    return this.#makers[label];
  }

  whyFixed(root: number): string | undefined {
    return this.#fixed.get(root);
  }

  /** Whether a set holds two channels of one layer; known after a call of `roots`. */
  isTwice(root: number): boolean {
    return this.#twice.has(root);
  }

  /** The sets, each by its first label. */
  roots(): number[] {
    const makers = new Map<number, Set<Node>>();
    this.#parents.forEach((_, label) => {
      const root = this.find(label);
      const seen = makers.get(root) ?? new Set();
      if (seen.has(this.#makers[label])) this.#twice.add(root);
      makers.set(root, seen.add(this.#makers[label]));
    });
    return [...makers.keys()];
  }
}

/** Groups sets of channels that occur equally often in the same axes of the same values, and so are interchangeable. */
function alike(classes: Classes, labels: ReadonlyMap<string, AxisLabels>): number[][] {
  const occurrences = new Map<number, string[]>(classes.roots().map((root) => [root, []]));
  let axisIndex = 0;
  for (const axes of labels.values()) {
    for (const axis of axes) {
      axisIndex++;
      if (!axis) continue;
      const counts = new Map<number, number>();
      for (const label of axis) if (label !== fixed) counts.set(label, (counts.get(label) ?? 0) + 1);
      for (const [label, count] of counts) occurrences.get(label)!.push(`${axisIndex}×${count}`);
    }
  }
  const sets = new Map<string, number[]>();
  for (const [root, where] of occurrences) {
    const key = [...where, classes.isTwice(root), classes.whyFixed(root)].join(' ');
    const set = sets.get(key);
    if (set) set.push(root);
    else sets.set(key, [root]);
  }
  return [...sets.values()];
}

interface LabelledUse {
  layer: string;
  as: 'producers' | 'depthwise' | 'consumers';
  labels: Labels | undefined;
}

/** The channels that layers with constant weights read and make. */
function* usesOf(graph: Graph, labels: ReadonlyMap<string, AxisLabels>): Generator<LabelledUse> {
  for (const node of graph.nodes) {
    if (!isLayer(graph, node)) continue;
    const isDepthwise = isDepthwiseLayer(graph, node);
    const x = labels.get(node.inputs[0]);
    const axis = channelAxis(node, x?.length ?? 0);
    const y = labels.get(node.outputs[0])!;
    yield {
      layer: node.name,
      as: isDepthwise ? 'depthwise' : 'producers',
      labels: y[channelAxis(node, y.length)],
    };
    if (!isDepthwise) yield { layer: node.name, as: 'consumers', labels: x?.[axis] };
  }
}

/** Whether each output channel is computed from one input channel, in more groups than one. */
export function isDepthwiseLayer(graph: Graph, node: Node): boolean {
  return isOp(node, 'conv2d') && node.attributes.groups > 1 && valueOf(graph, node.inputs[1]).shape[1] === 1;
}

function collect(
  { layer, as, labels }: LabelledUse,
  spaces: readonly ChannelSpace[],
  places: ReadonlyMap<number, { space: number; channel: number }>,
): void {
  if (!labels) return;
  const found = new Map<number, number[][]>();
  labels.forEach((label, position) => {
    const place = places.get(label);
    if (!place) return;
    let positions = found.get(place.space);
    if (!positions) {
      positions = Array.from({ length: spaces[place.space].size }, () => []);
      found.set(place.space, positions);
    }
    positions[place.channel].push(position);
  });
  for (const [space, positions] of found) {
    (spaces[space][as] as ChannelUse[]).push({ layer, positions: positions.map((list) => Int32Array.from(list)) });
  }
}
