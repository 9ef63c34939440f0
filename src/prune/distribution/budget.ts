// Budgets of pruned networks, and their costs.
import { defaultCostModel, predictLayers } from '../../lower/cost.ts';
import type { CostModel } from '../../lower/cost-model.ts';
import { FiligreeError } from '../../errors.ts';
import type { Constant, Program } from '../../program/program.ts';

/** Kinds of budgets. `sparsity` and `speedup` are minima, the others maxima. */
export const budgetKinds = ['sparsity', 'latencyMs', 'speedup', 'macs', 'bytes'] as const;
export type BudgetKind = (typeof budgetKinds)[number];

export interface Budget {
  readonly kind: BudgetKind;
  /**
   * `sparsity`: the share of zeros over the weights of the pruned layers, 0 ≤ s < 1. `latencyMs`: milliseconds of the whole
   * network, predicted by the cost model. `speedup`: how many times as fast as the dense network on dense kernels, at least 1.
   * `macs`: multiply-adds on kept weights. `bytes`: size of all constants in a .filigree file.
   */
  readonly value: number;
}

/** The cost of a layer or a network. All but `weights` are sums over all layers, including those without weights. */
export interface Costs {
  /** Kept weights of prunable layers. */
  weights: number;
  /** Multiply-adds on kept weights. */
  macs: number;
  /** Predicted milliseconds. */
  ms: number;
  /** Bytes of constants in a .filigree file. */
  bytes: number;
}

/** The maximum of one cost. */
export interface Limit {
  readonly of: keyof Costs;
  readonly most: number;
}

export const noCosts: Costs = { weights: 0, macs: 0, ms: 0, bytes: 0 };

export function addCosts(a: Costs, b: Costs): Costs {
  return { weights: a.weights + b.weights, macs: a.macs + b.macs, ms: a.ms + b.ms, bytes: a.bytes + b.bytes };
}

/** The cost of each layer of a program, with `weights` 0. A constant shared by several layers counts for the first. */
export function programCosts(program: Program, model: CostModel = defaultCostModel): Costs[] {
  const ms = predictLayers(program, model);
  const bytes = program.layers.map(() => 0);
  const counted = new Set<number>();
  for (const { layer, arguments: args } of program.steps) {
    for (const value of Object.values(args)) {
      if (typeof value === 'number' || counted.has(value.buffer)) continue;
      counted.add(value.buffer);
      const buffer = program.buffers[value.buffer];
      if (buffer.kind === 'constant') bytes[layer] += savedBytes(buffer.constant);
    }
  }
  return program.layers.map(({ effectiveMacs }, i) => ({
    weights: 0,
    macs: effectiveMacs,
    ms: ms[i],
    bytes: bytes[i],
  }));
}

/** Bytes of a constant's numbers in a .filigree file. */
export function savedBytes(constant: Constant): number {
  const parts: unknown[] = Object.values(constant);
  return parts.reduce<number>((sum, part) => sum + (hasBytes(part) ? part.byteLength : 0), 0);
}

const hasBytes = (part: unknown): part is { byteLength: number } =>
  typeof part === 'object' && part !== null && 'byteLength' in part;

/** @throws FiligreeError `invalid-argument` for an invalid budget */
export function checkBudget({ kind, value }: Budget): void {
  if (!budgetKinds.includes(kind)) {
    throw new FiligreeError(
      'invalid-argument',
      `budget: wanted one of ${budgetKinds.join(', ')}, got "${String(kind)}"`,
    );
  }
  const [fits, wanted] =
    kind === 'sparsity'
      ? [value >= 0 && value < 1, 'a number from 0 to below 1']
      : kind === 'speedup'
        ? [value >= 1 && value < Infinity, 'a number from 1 on']
        : [value > 0 && value < Infinity, 'a positive number'];
  if (typeof value !== 'number' || !fits) {
    throw new FiligreeError('invalid-argument', `${kind} ${String(value)}: wanted ${wanted}`);
  }
}

/**
 * A budget as a limit on costs.
 * @param dense `weights` of prunable layers, and `ms` on dense kernels
 */
export function limitOf({ kind, value }: Budget, dense: Pick<Costs, 'weights' | 'ms'>): Limit {
  switch (kind) {
    case 'sparsity':
      return { of: 'weights', most: (1 - value) * dense.weights };
    case 'speedup':
      return { of: 'ms', most: dense.ms / value };
    case 'latencyMs':
      return { of: 'ms', most: value };
    default:
      return { of: kind, most: value };
  }
}

/** Relative difference of sums of costs in another order. */
const rounding = 1e-9;

export function isWithin(costs: Costs, { of, most }: Limit): boolean {
  return costs[of] <= most * (1 + rounding);
}

/** The error for a network that cannot meet a limit; names the best possible. */
export function unreachable(
  model: string,
  { kind, value }: Budget,
  best: Costs,
  dense: Pick<Costs, 'weights' | 'ms'>,
  why: string,
): FiligreeError {
  const [name, asked, reached] = describe(kind, value, best, dense);
  return new FiligreeError(
    'invalid-argument',
    `${model}: ${name} ${asked} cannot be reached: the best is ${reached}, ${why}`,
  );
}

function describe(kind: BudgetKind, value: number, best: Costs, dense: Pick<Costs, 'weights' | 'ms'>): string[] {
  switch (kind) {
    case 'sparsity':
      return ['a sparsity of', String(value), (1 - best.weights / dense.weights).toFixed(3)];
    case 'speedup':
      return ['a predicted speed-up of', String(value), (Math.floor((100 * dense.ms) / best.ms) / 100).toFixed(2)];
    case 'latencyMs':
      return [
        'a predicted latency of',
        `${Number(value.toPrecision(3))} ms`,
        `${(Math.ceil(100 * best.ms) / 100).toFixed(2)} ms`,
      ];
    case 'macs':
      return ['multiply-adds of', String(value), String(Math.ceil(best.macs))];
    case 'bytes':
      return ['a size of', `${value} bytes`, `${Math.ceil(best.bytes)} bytes`];
  }
}

/**
 * Finds the least sparse member of a family of distributions with one parameter (uniform, Erdős–Rényi) that meets a budget.
 * It bisects; each try is costed as a whole.
 * @param costsAt costs of the network at a sparsity of 0 … `highest`; they must not grow noticeably with it
 * @returns the sparsity, to within `step`
 * @throws FiligreeError `invalid-argument` naming the best possible
 */
export function sparsityWithin(
  model: string,
  budget: Budget,
  costsAt: (sparsity: number) => Costs,
  dense: Pick<Costs, 'weights' | 'ms'>,
  { highest = 0.99, step = 0.001 }: { highest?: number; step?: number } = {},
): number {
  checkBudget(budget);
  const limit = limitOf(budget, dense);
  if (limit.of === 'weights') return budget.value;
  const meets = (sparsity: number) => isWithin(costsAt(sparsity), limit);
  if (meets(0)) return 0;
  const best = costsAt(highest);
  if (!isWithin(best, limit))
    throw unreachable(model, budget, best, dense, `with ${100 * highest} % of the weights removed`);
  let [low, high] = [0, highest];
  while (high - low > step) {
    const middle = (low + high) / 2;
    if (meets(middle)) high = middle;
    else low = middle;
  }
  return high;
}
