// What the page and its worker tell each other, and the report that both know.
import type { KernelResults } from '../../../bench/benchmark.ts';

export interface Settings {
  quick: boolean;
  /** Kernels to measure, as the source of a regular expression; all when absent. */
  filter?: string;
  /** Networks to measure, by the key in networks.ts; all when absent. */
  networks?: readonly string[];
}

export interface NetworkResult {
  network: string;
  /** `dense`, or which weights are zero. */
  zeros: string;
  threads: number;
  /** Milliseconds of a run. */
  ms: { median: number; least: number };
  /** Multiply-adds on weights that are not zero. */
  effectiveMacs: number;
  /** Milliseconds that these would take at the measured peak. */
  msAtPeak: number;
  /** The dense network's least time over this one's, on as many threads. */
  speedup?: number;
}

export interface DeviceReport extends KernelResults {
  version: 1;
  date: string;
  device: { userAgent: string; cores: number; isolated: boolean };
  build: 'simd' | 'relaxed';
  quick: boolean;
  networks: NetworkResult[];
}

export type FromWorker =
  | { kind: 'progress'; done: number; total: number; what: string }
  | { kind: 'report'; report: DeviceReport }
  | { kind: 'failed'; message: string };
