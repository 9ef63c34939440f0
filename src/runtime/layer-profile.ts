import type { KernelName } from '../program/kernels.ts';

/** One layer's share of a run. */
export interface LayerProfile {
  name: string;
  op: string;
  /** Kernels that the layer runs, in order. */
  kernels: KernelName[];
  shape: readonly number[];
  /** Zeros over all weights, 0…1; undefined for layers without weights. */
  sparsity?: number;
  /** Multiply-accumulates, dense and on kept weights. */
  macs: number;
  effectiveMacs: number;
  /** Milliseconds: the mean of all runs except the slowest quarter. */
  ms: number;
  /** 2 · effective MACs per second / 10⁹. */
  gflops: number;
}
