// Costs of kernels on a device, as measured by `measureCostModel`.
/** What of a core and its engine decides how much work kernels have. */
export interface Core {
  /** Sparse weights are divided into blocks of columns of which a tile stays in the first cache. */
  l1Bytes: number;
  /** When weights exceed this many bytes, every tile column reads them from beyond the second cache. */
  cacheBytes: number;
  /** Whether loaders give the engine tiles of twelve sums and more (src/runtime/engine.ts). */
  wideTiles?: boolean;
}

export interface CostModel extends Core {
  /** What was measured, and on which device. */
  note?: string;
  /** GFLOP/s of the machine's multiply-adds. */
  peak: number;
  /** Costs in vector multiply-adds at peak, by kernel (or `activation`, `memory`, `other`) and by the thing counted. */
  costs: { [kernel: string]: { [count: string]: number } };
}

/** How often (`times`) work of the cost costs[kernel][count] is done. */
export type OperationCounts = { kernel: string; count: string; times: number }[];
