// What kernels cost on a device, as `measureCostModel` finds it.
/** What a core keeps near. */
export interface Caches {
  /** Tiles of all inputs together beyond this many bytes come from behind the first cache for every group of rows. */
  l1Bytes: number;
  /** Weights beyond this many bytes come from behind the second cache for every tile column. */
  cacheBytes: number;
}

export interface CostModel extends Caches {
  /** What was measured, where. */
  note?: string;
  /** GFLOP/s of the machine's multiply-adds. */
  peak: number;
  /** By kernel (or `activation`, `memory`, `other`) and by what is counted: vector multiply-adds at peak. */
  costs: { [kernel: string]: { [count: string]: number } };
}
