// Measures the distance of a pruned network's outputs from those of the dense one. A search minimises it.
//
//   class scores     Kullback–Leibler divergence of their probabilities, in nats; outputs that are all ≥ 0 and sum up to 1
//                    are probabilities, others logits. A hundredth of their relative squared error is added, which still
//                    distinguishes outputs when a network is so sure that its probabilities are 0 and 1
//   fields           (…, rows, fields) of detectors: squared error over variance, mean of all fields. The variance is that of
//                    the field over all rows and photos, because units differ (pixels, scores). Rows are weighted by their
//                    distance from the mean row, because most rows of a detector are background
//   anything else    squared error over squared length
import type { Shape } from '../../../graph/graph.ts';
import { Tensor } from '../../../tensor.ts';

/** One photo's outputs in the network's order, row-major. */
export type NetworkOutputs = readonly Float32Array[];

/** From a sample's outputs of the dense network, by name, makes a function: the distance of other outputs, 0 for the same. */
export type Comparison = (
  dense: Readonly<Record<string, Tensor>>,
) => (other: Readonly<Record<string, Tensor>>) => number;

/** `own`: the measure for an output's shape, as above; `relative`: squared error over squared length; or a user's function. */
export type Measure = 'own' | 'relative' | Comparison;

interface Yardstick {
  divergence(dense: Float32Array, other: Float32Array): number;
}

/** Compares outputs with those of the dense network. */
export class Divergence {
  readonly #ofPhoto: ((outputs: NetworkOutputs) => number)[];

  /**
   * @param ports the network's outputs
   * @param dense each photo's outputs of the dense network
   */
  constructor(ports: readonly OutputPort[], dense: readonly NetworkOutputs[], measure: Measure = 'own') {
    if (typeof measure === 'function') {
      this.#ofPhoto = dense.map((outputs) => {
        const compare = measure(named(ports, outputs));
        return (others) => compare(named(ports, others));
      });
      return;
    }
    const yardsticks = ports.map(({ shape }, i) => {
      if (measure === 'relative') return { divergence: squaredError };
      return yardstickOf(
        shape,
        dense.map((outputs) => outputs[i]),
      );
    });
    this.#ofPhoto = dense.map((outputs) => (others) => {
      const sum = yardsticks.reduce((total, { divergence }, i) => total + divergence(outputs[i], others[i]), 0);
      return sum / yardsticks.length;
    });
  }

  /** The mean over all outputs: 0 for the same outputs, more for others. Infinite if an output is not a number. */
  of(photo: number, outputs: NetworkOutputs): number {
    const divergence = this.#ofPhoto[photo](outputs);
    return Number.isNaN(divergence) ? Infinity : divergence;
  }
}

interface OutputPort {
  name: string;
  shape: Shape;
}

function named(ports: readonly OutputPort[], outputs: NetworkOutputs): Record<string, Tensor> {
  return Object.fromEntries(ports.map(({ name, shape }, i) => [name, new Tensor('float32', shape, outputs[i])]));
}

function yardstickOf(shape: Shape, dense: readonly Float32Array[]): Yardstick {
  const [, ...rest] = shape;
  const classes = Math.max(1, ...rest);
  const rows = rest.slice(0, -1).reduce((product, n) => product * n, 1);
  const fields = rest.at(-1) ?? 1;
  if (classes > 1 && rest.filter((n) => n > 1).length === 1) return classYardstick(classes, dense);
  if (rest.length >= 2 && rows >= fewestRows * fields) return fieldYardstick(fields, dense);
  return { divergence: squaredError };
}

/** Minimum rows of each field, for a meaningful variance. */
const fewestRows = 4;

/** The base weight of a row, to which its distance from the mean row in variances is added; and the maximum of that. */
const minCount = 0.1;
const maxCount = 10;

function squaredError(dense: Float32Array, other: Float32Array): number {
  let [error, length] = [0, 0];
  for (let i = 0; i < dense.length; i++) {
    error += (dense[i] - other[i]) ** 2;
    length += dense[i] ** 2;
  }
  return error === 0 ? 0 : error / Math.max(length, Number.MIN_VALUE);
}

function classYardstick(classes: number, dense: readonly Float32Array[]): Yardstick {
  const areProbabilities = dense.every((scores) => {
    for (let row = 0; row < scores.length; row += classes) {
      let sum = 0;
      for (let i = row; i < row + classes; i++) {
        if (!(scores[i] >= 0)) return false;
        sum += scores[i];
      }
      if (Math.abs(sum - 1) > 1e-3) return false;
    }
    return true;
  });
  const logs = areProbabilities ? logsOfProbabilities : logsOfSoftmax;
  return {
    divergence(a, b) {
      let sum = 0;
      for (let row = 0; row < a.length; row += classes) {
        const [p, q] = [logs(a.subarray(row, row + classes)), logs(b.subarray(row, row + classes))];
        for (let i = 0; i < classes; i++) sum += Math.exp(p[i]) * (p[i] - q[i]);
      }
      const divergence = (sum * classes) / a.length;
      return (divergence < 0 ? 0 : divergence) + squaredError(a, b) / 100; // rounding may leave it below 0
    },
  };
}

const logsOfProbabilities = (scores: Float32Array) => Float64Array.from(scores, (p) => Math.log(Math.max(p, 1e-12)));

function logsOfSoftmax(scores: Float32Array): Float64Array {
  let most = -Infinity;
  for (const score of scores) if (!(score <= most)) most = score;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - most);
  const shift = most + Math.log(sum);
  return Float64Array.from(scores, (score) => score - shift);
}

function fieldYardstick(fields: number, dense: readonly Float32Array[]): Yardstick {
  const sums = new Float64Array(fields);
  const squares = new Float64Array(fields);
  let rows = 0;
  for (const values of dense) {
    for (let i = 0; i < values.length; i++) {
      sums[i % fields] += values[i];
      squares[i % fields] += values[i] ** 2;
    }
    rows += values.length / fields;
  }
  // fields that never change have weight 0
  const weights = squares.map((sum, f) => {
    const variance = sum / rows - (sums[f] / rows) ** 2;
    return variance > 1e-12 * (sum / rows) ? 1 / variance : 0;
  });
  const used = Math.max(
    1,
    weights.reduce((n, w) => n + (w > 0 ? 1 : 0), 0),
  );
  return {
    divergence(a, b) {
      let sum = 0;
      for (let row = 0; row < a.length; row += fields) {
        let [error, distance] = [0, 0];
        for (let f = 0; f < fields; f++) {
          error += weights[f] * (a[row + f] - b[row + f]) ** 2;
          distance += weights[f] * (a[row + f] - sums[f] / rows) ** 2;
        }
        sum += error * (minCount + Math.min(distance / used, maxCount));
      }
      return (sum * fields) / (a.length * used);
    },
  };
}
