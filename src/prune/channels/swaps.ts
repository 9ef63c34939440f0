// Groups trade members while the kept energy grows.
//
// When b replaces member a of a group, b adds Σ max(0, e_b − t_a) over positions, where the limits t_a depend only on the
// group's other members. So one table of (a, b) gives the value of every trade of two members, and a trade changes only the
// rows of its two groups.
import type { Energies } from './energies.ts';
import { sumOfMagnitudes } from './magnitudes.ts';

/** The value of a group without one of its members. */
export interface Opening {
  /** The value of the other members. */
  readonly base: number;
  /** At each position, the energy above which a new member adds to that. */
  readonly limits: Float32Array;
}

/** The value of the group without the member at `away`, which is all that a trade needs. */
export type OpeningOf = (members: readonly number[], away: number) => Opening;

/** Rounds of trades. In a round, each group takes part in at most one trade. */
const maxRounds = 6;

/** Trades members between groups, in place. Groups may differ in size. */
export function tradeMembers(groups: number[][], energies: Energies, openingOf: OpeningOf): void {
  const { count, positions, data } = energies;
  const sums = new Float64Array(count);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / positions)] += data[i];
  const groupOf = new Int32Array(count).fill(-1);
  groups.forEach((members, g) => members.forEach((a) => (groupOf[a] = g)));
  /** (a, b): the value of the group of a with b in its place. */
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

/** Makes the best trades of two members, at most one per group; returns the groups that traded. */
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

/** Groups whose members are kept or removed together at a position; `prices` is the cost of keeping them there. */
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

/** Groups that keep, at each position, the `kept` members with the most energy. */
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
