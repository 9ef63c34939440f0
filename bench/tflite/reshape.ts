// Reshapes values whose axes are stored in another order.
import type { Shape } from '../../src/graph/graph.ts';
import type { Order } from './export.ts';

/** Axes of a shape and the axes that they become, with equally many elements. */
interface Group {
  from: number[];
  to: number[];
}

const product = (axes: number[], shape: Shape) => axes.reduce((elements, axis) => elements * shape[axis], 1);

/** Cuts two shapes of equally many elements into the smallest groups of neighbouring axes that match. */
function matchAxes(from: Shape, to: Shape): Group[] {
  const groups: Group[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const group: Group = { from: [], to: [] };
    if (i < from.length) group.from.push(i++);
    if (j < to.length) group.to.push(j++);
    for (;;) {
      const [left, right] = [product(group.from, from), product(group.to, to)];
      if (left === right) break;
      if (left < right) group.from.push(i++);
      else group.to.push(j++);
    }
    groups.push(group);
  }
  // remaining axes have length 1: [C, 1, 1] → [C]
  const last = groups.findLastIndex((group) => group.to.length > 0 && group.from.length > 0);
  const rest = groups.splice(last + 1);
  for (const { from: more, to: others } of rest) {
    groups[last].from.push(...more);
    groups[last].to.push(...others);
  }
  return groups;
}

/**
 * The order in which the result of a reshape is stored when the bytes of its input, stored in `order`, stay where they
 * are; undefined when elements would have to move.
 */
export function reshapedOrder(from: Shape, order: Order, to: Shape): Order | undefined {
  if (from.includes(0)) return undefined;
  const placed = matchAxes(from, to).map((group) => {
    // axes of length 1 may be anywhere
    const places = group.from.filter((axis) => from[axis] > 1).map((axis) => order.indexOf(axis));
    return { group, places };
  });
  const moving = order.filter((axis) => from[axis] > 1).map((axis) => order.indexOf(axis));
  for (const { places } of placed) {
    const first = moving.indexOf(places[0]);
    if (places.some((place, k) => moving[first + k] !== place)) return undefined;
  }
  const key = ({ places, group }: (typeof placed)[number]) => places[0] ?? order.indexOf(group.from[0] ?? 0);
  return placed.toSorted((a, b) => key(a) - key(b)).flatMap(({ group }) => group.to);
}
