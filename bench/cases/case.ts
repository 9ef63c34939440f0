// The interface of benchmark cases. The cases of each kernel family are beside this file.
import type { RawKernels } from '../../src/kernels.ts';
import { activationArguments } from '../../src/program/activations.ts';
import { paddedPlane } from '../../src/program/layout.ts';
import type { LayerShape } from '../shapes.ts';

/** One kernel ready to run at one shape. */
export interface Workload {
  /** Runs the kernel once. */
  run(): void;
  /** Multiply-accumulates of the dense layer, and those of its nonzeros. 0 for other work. */
  macs: number;
  effectiveMacs: number;
  /** Floating-point operations on nonzeros: two per multiply-accumulate, one per element of other arithmetic, 0 for copies. */
  operations: number;
  /** Bytes read and written, each once. */
  bytes: number;
  /** Place of the result. */
  y: Output;
}

/** Planes (or vectors) of `pixels` floats, `plane` bytes apart. */
export interface Output {
  address: number;
  planes: number;
  pixels: number;
  plane: number;
}

/** How to benchmark a kernel of the registry. */
export interface CaseBuilder {
  /** Kernels of the same contest do the same work at the same shape, so that they can be compared. */
  contest: string;
  /** Sparse kernels run at every density, and are compared with dense ones. */
  encoding: 'sparse' | 'dense';
  /** Its input lies in planes without borders, where the others of its contest have them: its numbers are others. */
  hasOwnInput?: boolean;
  fits(shape: LayerShape): boolean;
  /** Places data in memory. `density` is that of the weights: nonzeros over all. */
  build(kernels: RawKernels, shape: LayerShape, density: number): Workload;
}

/** The only activation: the clamp that every kernel has. */
export const relu6 = activationArguments({ fn: 'clamp', alpha: 0, beta: 6 });

/** Work of multiply-accumulates. */
export function macWork(run: () => void, y: Output, macs: number, effectiveMacs: number, bytes: number): Workload {
  return { run, macs, effectiveMacs, operations: 2 * effectiveMacs, bytes, y };
}

/** Work that is not multiply-accumulates. */
export function elementWork(run: () => void, y: Output, operations: number, bytes: number): Workload {
  return { run, macs: 0, effectiveMacs: 0, operations, bytes, y };
}

/** A result that lies densely. */
export function flatOutput(address: number, floats: number): Output {
  return { address, planes: 1, pixels: floats, plane: 4 * floats };
}

/** Planes of one image in memory. */
export interface Planes {
  planes: number;
  pixels: number;
  /** Bytes from one plane to the next. */
  plane: number;
  /** Total floats of all planes. */
  floats: number;
}

export function planesOf(channels: number, pixels: number): Planes {
  const plane = paddedPlane(pixels);
  return { planes: channels, pixels, plane: 4 * plane, floats: channels * plane };
}
