// One stage of a search: each layer's own loss, the best sum of these, and evolution from there.
import type { Limit } from '../budget.ts';
import type { RandomNumbers } from '../../random-numbers.ts';
import { allocate } from './allocate.ts';
import type { LadderSet, Choice } from './candidates.ts';
import type { Evaluator } from './evaluator.ts';
import { evolve, withinBudget } from './evolve.ts';
import type { Scored, RungTable } from './evolve.ts';

export interface StageOptions {
  limit: Limit;
  /** The choice around which losses are measured: all layers dense, or the best so far. */
  base: Choice;
  /** Possible starts of evolution, by name; they are changed to fit the budget if necessary. */
  starts: ReadonlyMap<string, Choice>;
  random: RandomNumbers;
  generations: number;
  children?: number;
  isOver(): boolean;
  onProgress(phase: 'layers' | 'evolution', done: number, total: number, best?: number): void;
}

export interface StageResult extends Scored {
  /** The divergence of each start that met the budget. */
  starts: Map<string, Scored>;
}

/** Number of photos to try single layers, and layers around a solution. */
const photosAlone = 8;
const photosAround = 16;

/** Rungs up and down to try around a solution. */
const reach = 2;

/** The best choice within a limit. */
export async function runStage(evaluator: Evaluator, options: StageOptions): Promise<StageResult> {
  const { limit, base, random, generations, children, isOver, onProgress } = options;
  const { candidates } = evaluator;
  const photos = evaluator.allPhotos();
  const ladders = candidates.ladders.length;
  const report = (round: number) => (done: number) => onProgress('layers', round * ladders + done, 2 * ladders);
  const score = async (choices: readonly Choice[]): Promise<Scored[]> => {
    const scores = await evaluator.divergences(choices, photos);
    return choices.map((choice, i) => ({ choice, divergence: scores[i] }));
  };

  let table: RungTable = {
    ...tableOf(candidates, limit),
    losses: await lossesAround(evaluator, base, photosAlone, report(0)),
  };
  const fitting = [...options.starts].map(([name, choice]): [string, Choice] => {
    return [name, isFitting(choice, table) ? choice : withinBudget(choice, table, random)];
  });
  const solved = allocate(table.losses, table.costs, table.most);
  const first = [...fitting.map(([, choice]) => choice), ...(solved ? [withinBudget(solved, table, random)] : [])];
  const scored = await score(first);
  const starts = new Map(fitting.map(([name], i) => [name, scored[i]]));
  let best = least(scored.filter(({ choice }) => isFitting(choice, table)));

  const around = await lossesAround(evaluator, best.choice, photosAround, report(1), reach);
  table = { ...table, losses: joined(table.losses, around, best.choice) };
  const again = allocate(table.losses, table.costs, table.most);
  if (again) best = least([best, ...(await score([withinBudget(again, table, random)]))]);

  const evolved = await evolve(best, {
    table,
    divergences: (choices, which) => evaluator.divergences(choices, which),
    photos,
    random,
    generations,
    children,
    isOver,
    onGeneration: (done, { divergence }) => onProgress('evolution', done, generations, divergence),
  });
  return { ...evolved, starts };
}

function tableOf({ ladders, rest }: LadderSet, { of, most }: Limit): Omit<RungTable, 'losses'> {
  return { costs: ladders.map(({ rungs }) => rungs.map(({ costs }) => costs[of])), most: most - rest[of] };
}

function isFitting(choice: Choice, { costs, most }: Omit<RungTable, 'losses'>): boolean {
  return choice.reduce((sum, rung, i) => sum + costs[i][rung], 0) <= most + 1e-9 * Math.abs(most);
}

function least(scored: readonly Scored[]): Scored {
  return scored.reduce((a, b) => (b.divergence < a.divergence ? b : a));
}

/**
 * What each layer adds to the divergence of `base` on another rung; infinite for rungs farther than `within`.
 */
async function lossesAround(
  evaluator: Evaluator,
  base: Choice,
  photos: number,
  report: (done: number) => void,
  within = Infinity,
): Promise<number[][]> {
  const which = evenly(evaluator.allPhotos(), photos);
  const [own] = await evaluator.divergences([base], which);
  let done = 0;
  return Promise.all(
    evaluator.candidates.ladders.map(async ({ rungs }, i) => {
      const others = rungs.flatMap((_, r) => (r !== base[i] && Math.abs(r - base[i]) <= within ? [r] : []));
      // of many rungs, every other one, and always the last
      const isLong = others.length > 2 * reach;
      const tried = others.filter((_, n) => !isLong || (others.length - 1 - n) % 2 === 0);
      const divergences = await evaluator.variants(base, i, tried, which);
      report(++done);
      const losses = rungs.map((_, r) => (r === base[i] ? 0 : Infinity));
      tried.forEach((r, n) => (losses[r] = divergences[n] - own));
      return isLong ? between(losses, others) : losses;
    }),
  );
}

/** Losses with the omitted ones filled in: each is the geometric mean of its neighbours', because losses grow by factors. */
function between(losses: readonly number[], rungs: readonly number[]): number[] {
  return losses.map((loss, r) => {
    if (loss < Infinity || !rungs.includes(r)) return loss;
    const [a, b] = [losses[r - 1] ?? 0, losses[r + 1] ?? losses[r - 1]];
    return a > 0 && b > 0 ? Math.sqrt(a * b) : (a + b) / 4;
  });
}

/** Losses around a choice. Beyond the measured rungs they continue like the losses around another choice. */
function joined(far: readonly (readonly number[])[], near: readonly number[][], choice: Choice): number[][] {
  return near.map((losses, i) => {
    const known = losses.flatMap((loss, r) => (loss < Infinity ? [r] : []));
    const [low, high] = [known[0] ?? choice[i], known.at(-1) ?? choice[i]];
    return losses.map((loss, r) => {
      const edge = r < low ? low : high;
      return loss < Infinity ? loss : losses[edge] + far[i][r] - far[i][edge];
    });
  });
}

/** `count` elements of a list, evenly spaced. */
export function evenly<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]);
}
