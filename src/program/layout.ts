// Memory layout of feature maps: planar. A plane is one (n, c) image of h·w pixels.
//
//   floats   | pixel 0 … pixel h·w−1 | padding ≥ 4 |  next plane …
//
// The padding belongs to the plane: any kernel may write garbage there, and none may rely on its contents. Kernels may
// read up to 16 floats past the last plane; every buffer has that slack.
import type { Endpoint } from './program.ts';
import { quadsOf } from './quads.ts';

/** Floats of every buffer beyond its values, for vector loads that run past the end. */
export const bufferSlack = 16;

/**
 * Floats from one plane to the next for planes of `pixels` pixels: a multiple of 4, with room for vector stores to run
 * 4 floats past the end. Planes of 1 KiB and more start an odd number of 64-byte cache lines apart, so that a column of
 * planes spreads over all sets of an L1 cache. A plane of one pixel is not padded: (N, C, 1, 1) is a plain vector.
 */
export function paddedPlane(pixels: number): number {
  if (pixels === 1) return 1;
  const floats = ((pixels + 3) & ~3) + 4;
  if (floats < 256) return floats;
  const lines = Math.ceil(floats / 16);
  return 16 * (lines | 1);
}

/** The next multiple of 16. */
export const up16 = (n: number) => Math.ceil(n / 16) * 16;

/** Row-major strides of a shape, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = Array.from({ length: shape.length });
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** Strides in floats of an (N, C, H, W) value stored in padded planes. */
export function planeStrides(shape: readonly number[]): number[] {
  const [, c, h, w] = shape;
  const plane = paddedPlane(h * w);
  return [c * plane, plane, w, 1];
}

/** The shape of an input or output in memory, in its author's order: of quads in words, else in floats. */
export function storedShape({ shape, quads }: Pick<Endpoint, 'shape' | 'quads'>): readonly number[] {
  return shape.map((n, axis) => (axis === quads ? quadsOf(n) : n));
}

/** Words from the first to the last element of an input or output, both included. */
export function endpointWords(endpoint: Pick<Endpoint, 'shape' | 'strides' | 'quads'>): number {
  return 1 + storedShape(endpoint).reduce((sum, n, i) => sum + (n - 1) * endpoint.strides[i], 0);
}
