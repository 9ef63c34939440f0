// Costs from measured times.
import type { OperationCounts } from '../../lower/cost.ts';
import type { CostModel } from '../../lower/cost-model.ts';
import { unitMs } from '../../lower/cost.ts';

/** Work and its measured time. */
export interface Observation {
  work: OperationCounts;
  ms: number;
}

/**
 * The non-negative costs whose predictions are nearest to the observations, by squares of relative errors. Each round
 * reduces the weight of outliers (from a tenth off: by the inverse of the error).
 */
export function fitCosts(observations: readonly Observation[], peak: number): CostModel['costs'] {
  const columns = new Map<string, { kernel: string; count: string; cost: number; rows: number[]; values: number[] }>();
  observations.forEach(({ work, ms }, row) => {
    for (const { kernel, count, times } of work) {
      if (times === 0) continue;
      const key = `${kernel} ${count}`;
      const column = columns.get(key) ?? { kernel, count, cost: 0, rows: [], values: [] };
      columns.set(key, column);
      const value = (times * unitMs(peak)) / ms; // of the time, per unit of cost
      if (column.rows.at(-1) === row) column.values[column.values.length - 1] += value;
      else {
        column.rows.push(row);
        column.values.push(value);
      }
    }
  });
  const all = [...columns.values()];
  const residuals = observations.map(() => 1); // 1 − predicted / measured
  let weights = observations.map(() => 1);
  for (let round = 0; round < 4; round++) {
    for (let sweep = 0; sweep < 3000; sweep++) {
      let change = 0;
      for (const column of all) change = Math.max(change, descend(column, residuals, weights));
      if (change < 1e-6) break;
    }
    weights = residuals.map((r) => Math.min(1, 0.1 / Math.abs(r)));
  }
  const costs: CostModel['costs'] = {};
  for (const { kernel, count, cost } of all) {
    const own = (costs[kernel] ??= {}); // a kernel that costs nothing is known, too
    if (cost > 1e-3) own[count] = Number(cost.toPrecision(3));
  }
  return costs;
}

/** Moves one cost at a time to its optimum, with the others fixed. Returns the largest share of a time that one moved. */
function descend(
  column: { cost: number; rows: number[]; values: number[] },
  residuals: number[],
  weights: readonly number[],
): number {
  const { rows, values } = column;
  let [along, square, largest] = [0, 0, 0];
  for (let i = 0; i < rows.length; i++) {
    const weighted = weights[rows[i]] * values[i];
    along += weighted * residuals[rows[i]];
    square += weighted * values[i];
    largest = Math.max(largest, values[i]);
  }
  const step = Math.max(-column.cost, along / square);
  column.cost += step;
  for (let i = 0; i < rows.length; i++) residuals[rows[i]] -= step * values[i];
  return Math.abs(step) * largest;
}
