// A model's outputs, as heads read them.
import type { Tensor } from '../tensor.ts';
import { scanAll, scanBest, type ScoredAnchors, type ScoreScan } from './scan.ts';

/** The outputs of one run, as heads read them. */
export interface Outputs {
  /** An output's values, row-major in its author's shape; valid until the next call of `best` or the next run. */
  values(name: string): Float32Array;
  /** The best class of each anchor that reaches the threshold; see `scanBest`. */
  best(scan: ScoreScan, threshold: number): ScoredAnchors;
}

/** Which scores become candidates. */
export interface Selection {
  readonly scoreThreshold: number;
  /** Whether an anchor counts once for each class that reaches the threshold, not only for its best. */
  readonly multiLabel: boolean;
}

export function find(outputs: Outputs, scan: ScoreScan, { scoreThreshold, multiLabel }: Selection): ScoredAnchors {
  return multiLabel ? scanAll(outputs.values(scan.output), scan, scoreThreshold) : outputs.best(scan, scoreThreshold);
}

/** Outputs held in tensors. */
export function tensorOutputs(tensors: Record<string, Tensor>): Outputs {
  const values = (name: string) => tensors[name].data as Float32Array;
  return { values, best: (scan, threshold) => scanBest(values(scan.output), scan, threshold) };
}
