// Evolution under a budget: children of the best network so far trade sparsity between layers. The best child, chosen on more
// and more photos, replaces it (Sieberling et al., "EvoPress", 2024).
import type { RandomNumbers } from '../../random-numbers.ts';
import type { Choice } from './candidates.ts';

/** Rungs of all ladders with their additive losses and costs; costs need not grow with the rung. */
export interface RungTable {
  readonly losses: readonly (readonly number[])[];
  readonly costs: readonly (readonly number[])[];
  /** Maximum cost of all ladders together. */
  readonly most: number;
}

export interface Scored {
  choice: Choice;
  divergence: number;
}

export interface EvolutionOptions {
  table: RungTable;
  /** The mean divergences of some choices over some photos. */
  divergences(choices: readonly Choice[], which: readonly number[]): Promise<readonly number[]>;
  photos: readonly number[];
  random: RandomNumbers;
  generations: number;
  /** Number of children of each generation. Default 16. */
  children?: number;
  /** Called before each generation; true ends the evolution. */
  isOver?(): boolean;
  onGeneration?: (done: number, best: Scored) => void;
}

/** @returns the best of all, `first` included, by its divergence over all photos */
export async function evolve(first: Scored, options: EvolutionOptions): Promise<Scored> {
  const { table, divergences, photos, random, generations, children = 16, onGeneration } = options;
  const tried = new Set([first.choice.join()]);
  let best = first;
  for (let generation = 0; generation < generations && !options.isOver?.(); generation++) {
    let alive: Choice[] = [];
    for (let attempt = 0; alive.length < children && attempt < 8 * children; attempt++) {
      const child = childOf(best.choice, table, random);
      if (tried.has(child.join())) continue;
      tried.add(child.join());
      alive.push(child);
    }
    if (alive.length === 0) {
      // there is nothing left to try
      onGeneration?.(generations, best);
      break;
    }
    const drawn = random.shuffle([...photos]);
    for (const [share, survivors] of rounds) {
      if (alive.length <= survivors) continue;
      const some = drawn.slice(0, Math.max(2, Math.ceil(share * photos.length)));
      const scores = await divergences(alive, some);
      alive = ranked(alive, scores).slice(0, survivors);
    }
    const scores = await divergences(alive, photos);
    alive.forEach((choice, i) => {
      if (scores[i] < best.divergence) best = { choice, divergence: scores[i] };
    });
    onGeneration?.(generation + 1, best);
  }
  return best;
}

/** Share of photos in each selection round, and number of survivors. The last survivors run on all photos. */
const rounds = [
  [1 / 8, 5],
  [1 / 2, 2],
] as const;

function ranked(choices: readonly Choice[], scores: readonly number[]): Choice[] {
  return choices
    .map((choice, i) => ({ choice, score: scores[i] }))
    .sort((a, b) => a.score - b.score)
    .map(({ choice }) => choice);
}

/** Another choice within the budget: one to three layers become sparser, and others become denser with the savings. */
function childOf(parent: Choice, table: RungTable, random: RandomNumbers): Choice {
  const child = [...parent];
  const changes = 1 + random.below(3);
  for (let n = 0; n < changes; n++) {
    const ladder = pickSparser(child, table, random);
    if (ladder < 0) break;
    const steps = 1 + (random.uniform() < 0.25 ? 1 : 0);
    child[ladder] = Math.min(child[ladder] + steps, table.losses[ladder].length - 1);
  }
  return withinBudget(child, table, random, parent);
}

/** Draws a few ladders that can be sparser; returns the one with the smallest estimated loss for its saving. */
function pickSparser(choice: Choice, { losses, costs }: RungTable, random: RandomNumbers): number {
  const open = choice.flatMap((rung, i) => (rung + 1 < losses[i].length && losses[i][rung + 1] < Infinity ? [i] : []));
  return bestOf(drawn(open, random), (i) => {
    const [from, to] = [choice[i], choice[i] + 1];
    const saved = costs[i][from] - costs[i][to];
    return saved > 0 ? (losses[i][to] - losses[i][from]) / saved : Infinity;
  });
}

/** Draws a few elements, or sometimes one, so that estimates do not decide everything. */
function drawn(list: number[], random: RandomNumbers): number[] {
  return random.shuffle(list).slice(0, random.uniform() < 0.5 ? 1 : 4);
}

function bestOf(list: readonly number[], score: (i: number) => number): number {
  if (list.length === 0) return -1;
  return list.reduce((a, b) => (score(b) < score(a) ? b : a));
}

/**
 * Makes ladders sparser until a choice is within the budget, then denser as long as it stays so.
 * @param avoid a choice whose rungs are not used again while there are others
 */
export function withinBudget(choice: Choice, table: RungTable, random: RandomNumbers, avoid?: Choice): Choice {
  const { losses, costs, most } = table;
  const result = [...choice];
  const costOf = () => result.reduce((sum, rung, i) => sum + costs[i][rung], 0);
  const limit = most * (1 + 1e-9);
  for (let cost = costOf(); cost > limit; cost = costOf()) {
    const ladder = pickSparser(result, table, random);
    if (ladder < 0) break;
    result[ladder]++;
  }
  for (;;) {
    const spare = limit - costOf();
    const open = result.flatMap((rung, i) =>
      rung > 0 && losses[i][rung - 1] < Infinity && costs[i][rung - 1] - costs[i][rung] <= spare ? [i] : [],
    );
    if (open.length === 0) return result;
    const fresh = avoid ? open.filter((i) => result[i] <= avoid[i]) : open;
    const ladder = bestOf(drawn(fresh.length > 0 ? fresh : open, random), (i) => {
      const [from, to] = [result[i], result[i] - 1];
      return (losses[i][to] - losses[i][from]) / Math.max(costs[i][to] - costs[i][from], Number.MIN_VALUE);
    });
    result[ladder]--;
  }
}
