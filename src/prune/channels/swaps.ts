// Groups that trade members while the weights that are kept grow.
//
// Without its member a, what another thing b would add to a group is Σ max(0, e_b − t_a) over positions, for limits t_a that
// depend on the group's other members only. So one table of (a, b) tells what every trade of two members is worth, and after a
// trade only the rows of the two groups change.
import type { Energies } from './energies.ts';
import { sumOfMagnitudes } from './magnitudes.ts';

/** What a group is worth when one of its members is away. */
export interface Opening {
  /** What the others are worth already. */
  readonly base: number;
  /** At each position, what a newcomer's energy has to exceed to add to that. */
  readonly limits: Float32Array;
}

/** What the group is worth without the member at `away`: all that a trade needs to know. */
export type OpeningOf = (members: readonly number[], away: number) => Opening;

/** Rounds of trades; each group takes part in one trade of a round. */
const maxRounds = 6;

/** Trades members between groups, which need not be of one size, in place. */
export function tradeMembers(groups: number[][], energies: Energies, openingOf: OpeningOf): void {
  const { count, positions, data } = energies;
  const sums = new Float64Array(count);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / positions)] += data[i];
  const groupOf = new Int32Array(count).fill(-1);
  groups.forEach((members, g) => members.forEach((a) => (groupOf[a] = g)));
  /** (a, b): what the group of a is worth with b in its place. */
  const worth = new Float32Array(count * count);
  const update = (g: number): void => {
    groups[g].forEach((a, i) => {
      const { base, limits } = openingOf(groups[g], i);
      const total = limits.reduce((sum, limit) => sum + limit, 0);
      const negative = limits.map((limit) => -limit);
      for (let b = 0; b < count; b++) {
        worth[a * count + b] = base + (sums[b] - total + sumOfMagnitudes(negative, data, b * positions)) / 2;
      }
    });
  };
  let changed = new Set(groups.keys());
  for (let round = 0; round < maxRounds && changed.size > 0; round++) {
    changed.forEach(update);
    changed = trade(groups, groupOf, worth, count);
  }
}

/** The best trades of two members, each group taking part in one at most; the groups that did. */
function trade(groups: number[][], groupOf: Int32Array, worth: Float32Array, count: number): Set<number> {
  const offers: { a: number; b: number; gain: number }[] = [];
  for (let a = 0; a < count; a++) {
    if (groupOf[a] < 0) continue;
    let [best, most] = [-1, 0];
    const own = worth[a * count + a];
    for (let b = 0; b < count; b++) {
      if (groupOf[b] < 0 || groupOf[b] === groupOf[a]) continue;
      const now = own + worth[b * count + b];
      const gain = worth[a * count + b] + worth[b * count + a] - now;
      if (gain > most && gain > 1e-6 * now) [best, most] = [b, gain];
    }
    if (best >= 0) offers.push({ a, b: best, gain: most });
  }
  offers.sort((x, y) => y.gain - x.gain || x.a - y.a);
  const taken = new Set<number>();
  for (const { a, b } of offers) {
    const [g, h] = [groupOf[a], groupOf[b]];
    if (taken.has(g) || taken.has(h)) continue;
    groups[g][groups[g].indexOf(a)] = b;
    groups[h][groups[h].indexOf(b)] = a;
    [groupOf[a], groupOf[b]] = [h, g];
    taken.add(g).add(h);
  }
  return taken;
}

/** Groups whose members live and die together at a position; `prices` is what keeping them costs there. */
export function wholeGroups({ positions, data }: Energies, prices: Float32Array): OpeningOf {
  return (members, away) => {
    const limits = prices.slice();
    members.forEach((b, i) => {
      if (i === away) return;
      for (let k = 0; k < positions; k++) limits[k] -= data[b * positions + k];
    });
    return { base: 0, limits };
  };
}

/** Groups of which the `kept` members with most energy are kept at each position. */
export function bestOfGroups({ positions, data }: Energies, kept: number): OpeningOf {
  return (members, away) => {
    const limits = new Float32Array(positions);
    const others = members.filter((_, i) => i !== away);
    const largest = new Float32Array(kept);
    let base = 0;
    for (let k = 0; k < positions; k++) {
      largest.fill(0);
      for (const b of others) {
        let energy = data[b * positions + k];
        for (let i = 0; i < kept && energy > 0; i++) {
          if (energy > largest[i]) [largest[i], energy] = [energy, largest[i]];
        }
      }
      for (const energy of largest) base += energy;
      limits[k] = largest[kept - 1];
    }
    return { base, limits };
  };
}
