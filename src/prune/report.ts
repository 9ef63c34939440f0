// Reports of pruning, for users and programs. Errors are relative: ‖y − ŷ‖² / ‖y‖² over the calibration images.

export interface BeforeAndAfter {
  before: number;
  after: number;
}

export interface LayerOutcome {
  name: string;
  kind: string;
  /** (O, I / groups, kh, kw) before and after; they differ when channels were removed. */
  shape: { before: readonly number[]; after: readonly number[] };
  /** The applied pattern; undefined for layers that stayed dense. */
  pattern?: string;
  /** Why it stayed dense, or why the applied pattern differs from the requested one. */
  remark?: string;
  weights: number;
  /** Zeros over all weights, 0 … 1. */
  sparsity: BeforeAndAfter;
  /** Error of the layer's output before its activation; undefined without calibration images. */
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

/** Error by sparsity, which is the same in every layer. */
export interface EssentialSparsity {
  /** `error` is that of the network's outputs. */
  points: { sparsity: number; error: number }[];
  /** The sparsity where the curve bends most, beyond which more zeros cost more than they save. */
  knee: number;
  /** Own errors of each pruned layer at each of the points; absent if not known. */
  layers?: { name: string; errors: number[] }[];
}

export interface PruningReport {
  model: string;
  pattern: string;
  criterion: string;
  distribution: string;
  /** The requested target: { sparsity: 0.5 }, { latencyMs: 8 }, { speedup: 2 }, … */
  target: Record<string, number>;
  seed: number;
  calibrationImages: number;
  layers: LayerOutcome[];
  /** The share of zeros over the weights of the pruned layers. */
  sparsity: number;
  weights: BeforeAndAfter;
  macs: BeforeAndAfter;
  predictedMs: BeforeAndAfter;
  measuredMs?: BeforeAndAfter;
  bytes: BeforeAndAfter;
  /** Error of the network's outputs on the calibration images. */
  outputError?: number;
  accuracy?: Accuracy;
  essential?: EssentialSparsity;
  seconds: number;
  notes: string[];
}
