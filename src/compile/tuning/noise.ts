// Reproducible inputs for timing networks. Any numbers will do that are neither 0 nor denormal.
import type { Model } from '../../runtime/model.ts';
import { elementCount, Tensor } from '../../tensor.ts';

/** A generator of numbers, uniform in [−1, 1). */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0; // Numerical Recipes, "quick and dirty"
    return state / 2 ** 31;
  };
}

/** Seeded inputs, uniform in [−1, 1). */
export function noise({ inputs }: Model): Record<string, Tensor> {
  const next = uniform(1);
  const draw = (shape: readonly number[]) => Float32Array.from({ length: elementCount(shape) }, next);
  return Object.fromEntries(inputs.map(({ name, shape }) => [name, new Tensor('float32', shape, draw(shape))]));
}
