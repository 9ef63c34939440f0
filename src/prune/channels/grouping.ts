// Puts items into groups of equal size, so that the items of a group need the same weights kept. Items are rows of a layer
// that share positions, or inputs that are kept or removed together.
//
// A block of a group's weights at one position is worth keeping if its energy Σ w² is above a threshold τ, the price of a
// block at the target sparsity. So the value of a group is Σ max(0, energy − τ) over positions. Pairs are a matching: greedy
// at first, then two pairs at a time exchange partners while that helps (2-opt). Larger groups are pairs of pairs.
import type { Energies } from './energies.ts';
import { sumOfMagnitudes } from './magnitudes.ts';
import { bestOfGroups, tradeMembers, wholeGroups } from './swaps.ts';

/**
 * An order of the items in which each run of `size` (2, 4, 8 or 16) is a group. Items beyond a multiple of `size` come last.
 */
export function groupAlike(energies: Energies, size: number): Int32Array {
  let groups: Int32Array[] = Array.from({ length: energies.count }, (_, i) => Int32Array.of(i));
  let { data } = energies;
  let rest: Int32Array[] = [];
  for (let length = 1; length < size; length *= 2) {
    const { count, partners } = pairUp({ ...energies, count: groups.length, data });
    const next: Int32Array[] = [];
    const sums = new Float32Array(count * energies.positions);
    const done = new Set<number>();
    const left: number[] = [];
    partners.forEach((b, a) => {
      if (b < 0) left.push(a);
      if (b < 0 || done.has(a)) return;
      done.add(b);
      const at = next.length * energies.positions;
      for (let i = 0; i < energies.positions; i++) {
        sums[at + i] = data[a * energies.positions + i] + data[b * energies.positions + i];
      }
      next.push(Int32Array.of(...groups[a], ...groups[b]));
    });
    rest = [...left.map((a) => groups[a]), ...rest];
    groups = next;
    data = sums;
  }
  const members = groups.map((group) => [...group]);
  // trades cannot improve pairs
  if (size > 2) tradeMembers(members, energies, wholeGroups(energies, pricesOf(energies, size, members.flat())));
  return orderOf(
    members,
    rest.map((group) => [...group]),
  );
}

/** An order of the items in which the best `kept` of each run of `of` have most of the energy at every position. */
export function groupEvenly(energies: Energies, kept: number, of: number): Int32Array {
  const groups: number[][] = [];
  for (let a = 0; a < energies.count; a += of)
    groups.push(Array.from({ length: Math.min(of, energies.count - a) }, (_, i) => a + i));
  const rest = groups.at(-1)!.length < of ? [groups.pop()!] : [];
  tradeMembers(groups, energies, bestOfGroups(energies, kept));
  return orderOf(groups, rest);
}

/** Groups stay near their old places; items in no full group come last. */
function orderOf(groups: readonly number[][], rest: readonly number[][]): Int32Array {
  const ascending = (group: readonly number[]) => group.toSorted((a, b) => a - b);
  const whole = groups.map(ascending).toSorted((a, b) => a[0] - b[0]);
  return Int32Array.from([...whole, ...rest.map(ascending)].flat());
}

/** A partner for each item; −1 for one item if their number is odd. */
function pairUp(energies: Energies): { count: number; partners: Int32Array } {
  const { count } = energies;
  const gains = gainsOf(energies);
  const partners = new Int32Array(count).fill(-1);
  // items with the most to lose first: the gain with the best partner over the mean gain
  const best = new Float32Array(count);
  const mean = new Float32Array(count);
  for (let a = 0; a < count; a++) {
    let [most, sum] = [-Infinity, 0];
    for (let b = 0; b < count; b++) {
      if (a === b) continue;
      const gain = gains[a * count + b];
      most = Math.max(most, gain);
      sum += gain;
    }
    best[a] = most;
    mean[a] = sum / Math.max(1, count - 1);
  }
  const order = Int32Array.from({ length: count }, (_, i) => i).toSorted(
    (a, b) => best[b] - mean[b] - (best[a] - mean[a]),
  );
  for (const a of order) {
    if (partners[a] >= 0) continue;
    let [partner, most] = [-1, -Infinity];
    for (let b = 0; b < count; b++) {
      if (b === a || partners[b] >= 0) continue;
      const gain = gains[a * count + b] - mean[b];
      if (gain > most) [partner, most] = [b, gain];
    }
    if (partner < 0) break;
    partners[a] = partner;
    partners[partner] = a;
  }
  improve(partners, gains, count);
  return { count: count >> 1, partners };
}

/** Exchanges partners of two pairs at a time while that gains anything. */
function improve(partners: Int32Array, gains: Float32Array, count: number): void {
  const maxSweeps = 50;
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let isChanged = false;
    for (let a = 0; a < count; a++) {
      for (let c = a + 1; c < count; c++) {
        const b = partners[a];
        const d = partners[c];
        if (b < 0 && d < 0) continue;
        if (c === b) continue;
        const now = gainOf(gains, count, a, b) + gainOf(gains, count, c, d);
        const straight = gainOf(gains, count, a, c) + gainOf(gains, count, b, d);
        const crossed = gainOf(gains, count, a, d) + gainOf(gains, count, b, c);
        const most = Math.max(straight, crossed);
        if (most <= now + 1e-7 * Math.abs(now)) continue;
        if (straight >= crossed) join(partners, a, c, b, d);
        else join(partners, a, d, b, c);
        isChanged = true;
      }
    }
    if (!isChanged) return;
  }
}

function gainOf(gains: Float32Array, count: number, a: number, b: number): number {
  return a < 0 || b < 0 ? 0 : gains[a * count + b];
}

function join(partners: Int32Array, a: number, b: number, c: number, d: number): void {
  if (a >= 0) partners[a] = b;
  if (b >= 0) partners[b] = a;
  if (c >= 0) partners[c] = d;
  if (d >= 0) partners[d] = c;
}

/** The value of each pair, (count, count). */
function gainsOf({ count, positions, data, layers }: Energies): Float32Array {
  const prices = pricesOf({ count, positions, data, layers }, 2);
  const gains = new Float32Array(count * count);
  const sums = Float64Array.from({ length: count }, (_, a) =>
    data.subarray(a * positions, (a + 1) * positions).reduce((sum, energy) => sum + energy, 0),
  );
  const price = prices.reduce((sum, p) => sum + p, 0);
  for (let a = 0; a < count; a++) {
    const own = data.subarray(a * positions, (a + 1) * positions);
    const over = own.map((energy, i) => energy - prices[i]);
    for (let b = a + 1; b < count; b++) {
      // Σ max(0, x) = (Σ x + Σ |x|) / 2: no branches
      const gain = (sums[a] + sums[b] - price + sumOfMagnitudes(over, data, b * positions)) / 2;
      gains[a * count + b] = gain;
      gains[b * count + a] = gain;
    }
  }
  return gains;
}

/** At each position, the energy above which a group of `size` in `order` is kept, by the layer's sparsity. */
function pricesOf({ count, positions, data, layers }: Energies, size: number, order?: readonly number[]): Float32Array {
  const prices = new Float32Array(positions);
  const groups = Math.floor(count / size);
  let start = 0;
  for (const { end, sparsity } of layers) {
    const width = end - start;
    const blocks = new Float32Array(groups * width);
    for (let member = 0; member < groups * size; member++) {
      const block = Math.floor(member / size) * width;
      const at = (order ? order[member] : member) * positions + start;
      for (let i = 0; i < width; i++) blocks[block + i] += data[at + i];
    }
    blocks.sort();
    const price = blocks[Math.min(blocks.length - 1, Math.floor(sparsity * blocks.length))] ?? 0;
    prices.fill(price, start, end);
    start = end;
  }
  return prices;
}
