// Chooses the best rung of each ladder for additive losses: a knapsack with one item of each class. The solution is exact up
// to costs, which are rounded up to whole units (Frantar and Alistarh, "SPDY: Accurate Pruning with Speedup Guarantees", 2022).

/** Number of units of a budget. */
const units = 10_000;

/**
 * @param losses of each ladder by rung; an infinite loss excludes a rung
 * @param costs of each ladder by rung
 * @param most maximum cost of all ladders together
 * @returns a rung of each ladder, or undefined when even the cheapest rungs cost more
 */
export function allocate(
  losses: readonly (readonly number[])[],
  costs: readonly (readonly number[])[],
  most: number,
): number[] | undefined {
  const least = costs.map((ladder, i) => Math.min(...ladder.filter((_, rung) => losses[i][rung] < Infinity)));
  const spare = most - least.reduce((a, b) => a + b, 0);
  // sums in another order differ by rounding
  if (!(spare >= -1e-9 * Math.abs(most))) return undefined;
  const unit = Math.max(spare, 0) / units;
  const sizes = costs.map((ladder, i) =>
    ladder.map((cost) => (cost <= least[i] ? 0 : unit === 0 ? Infinity : Math.ceil((cost - least[i]) / unit - 1e-9))),
  );
  // best[u]: the smallest loss of the ladders so far with u units
  let best = new Float64Array(units + 1);
  const chosen = losses.map((ladder, i) => {
    const next = new Float64Array(units + 1).fill(Infinity);
    const rungs = new Uint8Array(units + 1);
    ladder.forEach((loss, rung) => {
      const size = sizes[i][rung];
      if (loss === Infinity || size > units) return;
      for (let u = size; u <= units; u++) {
        const sum = best[u - size] + loss;
        if (sum < next[u]) {
          next[u] = sum;
          rungs[u] = rung;
        }
      }
    });
    best = next;
    return rungs;
  });
  const choice: number[] = losses.map(() => 0);
  for (let i = losses.length - 1, u = units; i >= 0; i--) {
    choice[i] = chosen[i][u];
    u -= sizes[i][choice[i]];
  }
  return choice;
}
