// Mean and variance of activations, as estimated while a network is written down: weights are scaled by them so that every
// layer's output has a variance of about 1 (He et al., https://arxiv.org/abs/1502.01852), for any activation and sparsity.
import { applyActivation } from '../src/graph/activation.ts';
import type { Activation } from '../src/program/activations.ts';

/** Over channels and pixels, for inputs drawn at random. */
export interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/** E[x²]. */
export function energy({ mean, variance }: Moments): number {
  return mean * mean + variance;
}

/** Of f(x) for x normally distributed. */
export function activated({ mean, variance }: Moments, activation: Activation): Moments {
  const deviation = Math.sqrt(variance);
  const steps = 240;
  let total = 0;
  let first = 0;
  let second = 0;
  for (let i = 0; i <= steps; i++) {
    const z = (12 * i) / steps - 6;
    const weight = Math.exp((-z * z) / 2);
    const y = applyActivation(mean + z * deviation, activation);
    total += weight;
    first += weight * y;
    second += weight * y * y;
  }
  return { mean: first / total, variance: second / total - (first / total) ** 2 };
}

/** Of a sum of independent terms. */
export function added(a: Moments, b: Moments): Moments {
  return { mean: a.mean + b.mean, variance: a.variance + b.variance };
}

/** Of a product of independent factors. */
export function multiplied(a: Moments, b: Moments): Moments {
  const mean = a.mean * b.mean;
  return { mean, variance: energy(a) * energy(b) - mean * mean };
}

/** Of parts side by side, by their numbers of elements. */
export function joined(parts: readonly { moments: Moments; count: number }[]): Moments {
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const average = (of: (moments: Moments) => number) =>
    parts.reduce((sum, { moments, count }) => sum + of(moments) * count, 0) / total;
  const mean = average((moments) => moments.mean);
  return { mean, variance: average(energy) - mean * mean };
}
