// Decides which values share memory, and how long each piece of memory is needed.
import type { Graph } from '../graph/graph.ts';
import { valueOf } from '../graph/graph.ts';
import { operatorOf } from '../graph/operator-of.ts';
import { isByteNode } from '../passes/match.ts';
import { placeBytes } from './bytes/lower.ts';
import type { Layouts } from './layouts.ts';
import type { Placement } from '../lower/placement.ts';

/** The place of a value: in the storage of another, `floats` from its start. */
export interface StorageOffset {
  root: string;
  floats: number;
}

/** Indices of the first node that writes and the last that reads; −1 is before the first node. */
export interface Lifetime {
  first: number;
  last: number;
}

/** Values that share a root's memory. */
interface StorageGroup {
  /** Values needed at the current node or later, and graph inputs. */
  alive: string[];
  /** Length from the root's start to the farthest end of a value. */
  floats: number;
  holdsInput: boolean;
}

export interface Storage {
  place(value: string): StorageOffset;
  /** Values that own storage, with its lifetime. Constants have none. */
  roots: Map<string, Lifetime>;
}

/** Lets every operator place its values, in node order, and returns the resulting storage. */
export function assignStorage(graph: Graph, layouts: Layouts): Storage {
  const parents = new Map<string, StorageOffset>();
  const groups = new Map<string, StorageGroup>();
  const lifetimes = lifetimesOf(graph);
  const inputs = new Set(graph.inputs.map((port) => port.value));

  const place = (value: string): StorageOffset => {
    let floats = 0;
    let root = value;
    let steps = 0;
    for (let parent = parents.get(root); parent; parent = parents.get(root)) {
      floats += parent.floats;
      root = parent.root;
      steps++;
    }
    const found = { root, floats };
    if (steps > 1) parents.set(value, found); // a short cut, because long chains of views would be slow
    return found;
  };
  const groupOf = (root: string): StorageGroup => {
    let group = groups.get(root);
    if (!group) {
      group = { alive: [root], floats: layouts.floats(root), holdsInput: inputs.has(root) };
      groups.set(root, group);
    }
    return group;
  };
  const isConstant = (value: string) => valueOf(graph, value).data !== undefined;

  const placementAt = (index: number): Placement => ({
    shape: (value) => valueOf(graph, value).shape,
    isConstant,
    strides: (value) => layouts.strides(value),
    diesHere(value) {
      if (isConstant(value)) return false;
      const { root, floats } = place(value);
      const end = floats + layouts.floats(value);
      const group = groupOf(root);
      group.alive = group.alive.filter((member) => lifetimes.get(member)!.last >= index || inputs.has(member));
      return group.alive.every((member) => {
        const start = place(member).floats;
        const stop = start + layouts.floats(member);
        if (start >= end || floats >= stop) return true;
        const { first, last } = lifetimes.get(member)!;
        // a graph input is never overwritten; nor is a view of other elements that this node still reads
        if (inputs.has(member)) return false;
        return last < index || first > index || (last === index && start === floats && stop === end);
      });
    },
    overlap(a, b) {
      if (isConstant(a) || isConstant(b)) return false;
      const [p, q] = [place(a), place(b)];
      return p.root === q.root && p.floats < q.floats + layouts.floats(b) && q.floats < p.floats + layouts.floats(a);
    },
    alias(value, host, floats = 0) {
      if (value === host || isConstant(value) || isConstant(host)) return false;
      const own = place(value);
      const other = place(host);
      if (own.root === other.root || own.floats !== 0) return false;
      const size = layouts.floats(value);
      if (floats < 0 || floats + size > layouts.floats(host)) return false;
      const moving = groupOf(own.root);
      if (moving.holdsInput || moving.floats > size) return false;
      parents.set(own.root, { root: host, floats });
      const group = groupOf(other.root);
      group.alive.push(...moving.alive);
      group.floats = Math.max(group.floats, other.floats + floats + moving.floats);
      groups.delete(own.root);
      return true;
    },
  });

  graph.nodes.forEach((node, index) => {
    if (isByteNode(graph, node)) placeBytes(graph, node, placementAt(index));
    else operatorOf(graph, node).place(node, placementAt(index));
  });

  const roots = new Map<string, Lifetime>();
  for (const [value, { first, last }] of lifetimes) {
    const { root } = place(value);
    const known = roots.get(root);
    roots.set(
      root,
      known ? { first: Math.min(known.first, first), last: Math.max(known.last, last) } : { first, last },
    );
  }
  return { place, roots };
}

/** Lifetimes of computed values and graph inputs. Graph outputs live past the last node. */
function lifetimesOf(graph: Graph): Map<string, Lifetime> {
  const lifetimes = new Map<string, Lifetime>();
  for (const { value } of graph.inputs) lifetimes.set(value, { first: -1, last: -1 });
  graph.nodes.forEach((node, index) => {
    for (const input of node.inputs) {
      const lifetime = lifetimes.get(input);
      if (lifetime) lifetime.last = index;
    }
    for (const output of node.outputs) lifetimes.set(output, { first: index, last: index });
  });
  for (const { value } of graph.outputs) {
    const lifetime = lifetimes.get(value);
    if (lifetime) lifetime.last = graph.nodes.length;
  }
  return lifetimes;
}
