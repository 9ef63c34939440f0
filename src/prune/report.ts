// What pruning did, for people and programs. Errors are relative: ‖y − ŷ‖² / ‖y‖² over the calibration images.

export interface BeforeAndAfter {
  before: number;
  after: number;
}

export interface LayerOutcome {
  name: string;
  kind: string;
  /** (O, I / groups, kh, kw) before and after; they differ when channels were removed. */
  shape: { before: readonly number[]; after: readonly number[] };
  /** The pattern that was applied; none for layers that stayed dense. */
  pattern?: string;
  /** Why it stayed dense, or why another pattern was applied than the one asked for. */
  remark?: string;
  weights: number;
  /** Zeros over all weights, 0 … 1. */
  sparsity: BeforeAndAfter;
  /** Of what the layer computes before its activation; undefined without calibration images. */
  error?: number;
  macs: BeforeAndAfter;
  predictedMs: BeforeAndAfter;
  measuredMs?: BeforeAndAfter;
  /** Bytes of its constants in a .filigree file. */
  bytes: BeforeAndAfter;
}

export interface Accuracy extends BeforeAndAfter {
  dataset: string;
  metric: 'top-1' | 'AP';
  images: number;
}

/** Error against sparsity, the same share of zeros in every layer. */
export interface EssentialSparsity {
  /** `error` is that of the network's outputs. */
  points: { sparsity: number; error: number }[];
  /** Where the curve bends most: more zeros cost more than they save. */
  knee: number;
  /** Of each layer that was pruned, its own error at each of the points; absent where it is not known. */
  layers?: { name: string; errors: number[] }[];
}

export interface PruningReport {
  model: string;
  pattern: string;
  criterion: string;
  distribution: string;
  /** What was asked for: { sparsity: 0.5 }, { latencyMs: 8 }, { speedup: 2 }, … */
  target: Record<string, number>;
  seed: number;
  calibrationImages: number;
  layers: LayerOutcome[];
  /** Zeros over weights of the layers that were pruned. */
  sparsity: number;
  weights: BeforeAndAfter;
  macs: BeforeAndAfter;
  predictedMs: BeforeAndAfter;
  measuredMs?: BeforeAndAfter;
  bytes: BeforeAndAfter;
  /** Of the network's outputs on the calibration images. */
  outputError?: number;
  accuracy?: Accuracy;
  essential?: EssentialSparsity;
  seconds: number;
  notes: string[];
}
