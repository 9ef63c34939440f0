// Divides nodes into two sides such that the edges from the first to the second cost the least (Edmonds and Karp 1972).

/** An edge that costs `capacity` when its start is on the first side and its end on the second. */
export interface CutEdge {
  readonly from: number;
  readonly to: number;
  /** At least 0; Infinity forbids that division. */
  readonly capacity: number;
}

/** Flow below this share of the largest capacity is rounding. */
const smallest = 1e-12;

/**
 * Which of the nodes 0…count − 1 are on the first side of the cheapest division, as few as possible.
 * @param first always on the first side
 * @param second always on the second side
 * @throws Error when infinite edges lead from `first` to `second`
 */
export function minimumCut(count: number, first: number, second: number, edges: readonly CutEdge[]): boolean[] {
  // edge 2i, and its reverse 2i + 1
  const ends = edges.flatMap(({ from, to }) => [to, from]);
  const left = edges.flatMap(({ capacity }) => [capacity, 0]);
  const leaving: number[][] = Array.from({ length: count }, () => []);
  edges.forEach(({ from, to }, i) => {
    leaving[from].push(2 * i);
    leaving[to].push(2 * i + 1);
  });
  const finite = edges.map(({ capacity }) => capacity).filter((capacity) => capacity < Infinity);
  const least = smallest * finite.reduce((most, capacity) => Math.max(most, capacity), 0);
  for (;;) {
    const by = reached(count, first, ends, left, leaving, least);
    if (by[second] === undefined) return by.map((edge) => edge !== undefined);
    const path: number[] = [];
    for (let at = second; at !== first; at = ends[by[at]! ^ 1]) path.push(by[at]!);
    const flow = Math.min(...path.map((edge) => left[edge]));
    if (flow === Infinity) throw new Error('no division is allowed');
    for (const edge of path) {
      left[edge] -= flow;
      left[edge ^ 1] += flow;
    }
  }
}

/** For each node that edges with capacity left reach from `first`, the edge by which the shortest way comes. */
function reached(
  count: number,
  first: number,
  ends: readonly number[],
  left: readonly number[],
  leaving: readonly (readonly number[])[],
  least: number,
): (number | undefined)[] {
  const by: (number | undefined)[] = Array.from({ length: count }, () => undefined);
  by[first] = -1;
  const queue = [first];
  for (const at of queue) {
    for (const edge of leaving[at]) {
      if (left[edge] <= least || by[ends[edge]] !== undefined) continue;
      by[ends[edge]] = edge;
      queue.push(ends[edge]);
    }
  }
  return by;
}
