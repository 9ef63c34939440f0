// Tensors for operator tests, and evaluation by an operator's own shape rule.
import type { DenseTensor, Operator } from '../../src/ops/operator.ts';
import { elementCount } from '../../src/tensor.ts';
import { randomFloats } from '../kernels/wasm.ts';

export interface RandomTensor extends DenseTensor {
  shape: number[];
  data: Float32Array;
}

/** Seeded floats that are never 0. */
export function random(seed: number, shape: readonly number[]): RandomTensor {
  return { shape: [...shape], data: randomFloats(seed)(elementCount(shape)) };
}

/** 0, 1, 2, … */
export function counting(shape: readonly number[]): RandomTensor {
  return { shape: [...shape], data: Float32Array.from({ length: elementCount(shape) }, (_, i) => i) };
}

/** Shape rule and evaluation; every input counts as known while shapes are inferred. */
export function evaluated<A extends object>(
  operator: Operator<A>,
  attributes: A,
  inputs: DenseTensor[],
): DenseTensor[] {
  const types = inputs.map(({ shape, data }) => ({ shape, dtype: 'float32' as const, data }));
  return operator.evaluate(attributes, inputs, operator.infer(attributes, types));
}
