// Seeded data and expanded constants in the memory of raw kernels.
import { mulberry32 } from '../models/random.ts';
import type { RawKernels } from '../src/kernels.ts';
import { constantBytes } from '../src/program/constants.ts';
import type { Constant } from '../src/program/program.ts';
import { expandConstant, stagingBytes } from '../src/runtime/expand-constant.ts';

/** Uniform in [0, 1), the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  const bits = mulberry32(seed);
  return () => bits() / 2 ** 32;
}

let noise: Float32Array | undefined;

/** `count` floats in [−1, 1), never 0, so that neither zeros nor denormals favour a kernel. */
export function randomFloats(count: number): Float32Array {
  if (!noise || noise.length < count) {
    const random = seeded(1);
    noise = Float32Array.from({ length: Math.max(count, 1 << 16) }, () => 2 * random() - 1 || 1);
  }
  return noise.subarray(0, count);
}

/** The address of `count` random floats. */
export function placeFloats(kernels: RawKernels, count: number): number {
  const address = kernels.allocate(4 * count);
  kernels.floats(address, count).set(randomFloats(count));
  return address;
}

/** The address of a constant in the kernels' form. `taps`: the placed tap table to which sparse weights refer. */
export function placeConstant(kernels: RawKernels, constant: Constant, taps = 0): number {
  const address = kernels.allocate(constantBytes(constant));
  const staging = kernels.allocate(stagingBytes(constant));
  const wrong = expandConstant(constant, address, taps, staging, kernels);
  if (wrong) throw new Error(wrong);
  return address;
}
