// A layer with samples of its inputs, for tests of fits to them.
import type { Layer } from '../../src/prune/layers.ts';
import { RandomNumbers } from '../../src/prune/random-numbers.ts';
import type { GroupStatistics, LayerStatistics } from '../../src/prune/statistics/statistics.ts';

export interface SampledProblem {
  layer: Layer;
  weights: Float32Array;
  statistics: LayerStatistics;
  /** Columns of each group: [sample][column], of the dense network and of the pruned one. */
  samples: { x: number[][]; y: number[][] }[];
}

/** Random inputs of `rank` directions, some of them dead; those in the pruned network differ a little. */
export function layerProblem(
  seed: number,
  {
    rows,
    inputs,
    kernel = 1,
    groups = 1,
    count,
    rank = inputs * kernel ** 2,
    noise = 0.1,
    dead = 0,
  }: {
    rows: number;
    inputs: number;
    kernel?: number;
    groups?: number;
    count: number;
    rank?: number;
    noise?: number;
    dead?: number;
  },
): SampledProblem {
  const random = new RandomNumbers(seed);
  const columns = inputs * kernel ** 2;
  const layer: Layer = {
    name: 'layer',
    kind: 'convolution',
    shape: [rows, inputs, kernel, kernel],
    rows,
    columns,
    groups,
  };
  const weights = Float32Array.from({ length: rows * columns }, () => random.normal());
  const samples = Array.from({ length: groups }, () => {
    const mixing = Array.from({ length: rank }, () => Array.from({ length: columns }, () => random.normal()));
    const draw = () => Array.from({ length: rank }, () => random.normal());
    const x = Array.from({ length: count }, () => {
      const from = draw();
      return mixing[0].map((_, i) => (i < dead ? 0 : 1 + from.reduce((sum, v, k) => sum + v * mixing[k][i], 0)));
    });
    const y = noise === 0 ? x : x.map((row) => row.map((v, i) => (i < dead ? 0 : v + noise * random.normal())));
    return { x, y };
  });
  return { layer, weights, statistics: { groups: samples.map(momentsOf) }, samples };
}

function momentsOf({ x, y }: { x: number[][]; y: number[][] }): GroupStatistics {
  const n = x[0].length;
  const moment = (a: number[][], b: number[][]) =>
    Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return a.reduce((sum, row, s) => sum + row[i] * b[s][j], 0) / a.length;
    });
  const mean = (a: number[][]) =>
    Float64Array.from({ length: n }, (_, i) => a.reduce((sum, row) => sum + row[i], 0) / a.length);
  const dense = moment(x, x);
  const same = x === y;
  return {
    n,
    count: x.length,
    dense,
    gram: same ? dense : moment(y, y),
    cross: same ? dense : moment(x, y),
    mean: mean(y),
    denseMean: mean(x),
  };
}

/** ‖W x − Ŵ x̂ − shift‖² / ‖W x − mean‖² from the samples themselves. */
export function errorFromSamples(
  { layer, weights, samples }: SampledProblem,
  pruned: Float32Array,
  shift: (row: number, difference: number) => number,
): number {
  const { rows, columns, groups } = layer;
  let [error, power] = [0, 0];
  for (let r = 0; r < rows; r++) {
    const { x, y } = samples[Math.floor((r * groups) / rows)];
    const product = (w: Float32Array, a: number[]) => a.reduce((sum, v, i) => sum + v * w[r * columns + i], 0);
    const wanted = x.map((a) => product(weights, a));
    const found = y.map((a) => product(pruned, a));
    const mean = (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length;
    const correction = shift(r, mean(wanted) - mean(found));
    const middle = mean(wanted);
    wanted.forEach((v, s) => {
      error += (v - found[s] - correction) ** 2;
      power += (v - middle) ** 2;
    });
  }
  return error / power;
}
