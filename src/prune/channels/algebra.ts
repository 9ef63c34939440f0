// Labels of channels. Every position of every axis of a value has a label, which says to which channel it belongs. The
// algebra defines what labels are, and what joining two of them means: the analysis of channel spaces merges channels that
// are used together; the check of a rearrangement records how each channel was computed.
import type { Node } from '../../graph/graph.ts';

/** One label for each position of an axis; `fixed` for positions that can neither change nor move. */
export type Labels = Int32Array;

/** The labels of each axis of a value; `undefined` for an axis that is entirely fixed. */
export type AxisLabels = readonly (Labels | undefined)[];

export const fixed = -1;

export interface Algebra {
  /** Labels of the channels that a layer computes, each from all of its inputs. */
  fresh(node: Node, count: number): Labels;
  /** The label of two channels that must be the same one, because an operator pairs them. Either may be `fixed`. */
  join(a: number, b: number, node: Node): number;
  /** The label of the k-th of several positions that one channel turns into. */
  part(label: number, k: number): number;
  /** Records that a channel can be neither removed nor moved, and why. */
  fix(label: number, why: string): void;
}

/** Fixes all labels of an axis, for the reason `why`. */
export function fixAxis(labels: Labels | undefined, why: string, algebra: Algebra): void {
  if (labels) for (const label of labels) if (label !== fixed) algebra.fix(label, why);
}

/** Joins channels that have the same place in their groups. */
export function joinAcross(labels: Labels, groups: number, node: Node, algebra: Algebra): Labels {
  const size = labels.length / groups;
  for (let i = size; i < labels.length; i++) algebra.join(labels[i % size], labels[i], node);
  return labels;
}

/** Joins labels position by position. */
export function joinAxes(axes: readonly (Labels | undefined)[], node: Node, algebra: Algebra): Labels | undefined {
  const length = axes.find((labels) => labels !== undefined)?.length;
  if (length === undefined) return undefined;
  return Int32Array.from({ length }, (_, i) =>
    axes.map((labels) => labels?.[i] ?? fixed).reduce((a, b) => (a === b ? a : algebra.join(a, b, node))),
  );
}

/** The k-th part of a channel; a fixed label stays fixed. */
export function partOf(label: number, k: number, algebra: Algebra): number {
  return label === fixed ? fixed : algebra.part(label, k);
}

/** The axes with new labels for one of them. */
export function replaced(axes: AxisLabels, axis: number, labels: Labels | undefined): AxisLabels {
  return axes.map((old, i) => (i === axis ? labels : old));
}
