// What kernels cost, for choosing between encodings. All constants of the choice are here; `npm run bench` measures them.

/** Shares of the machine's peak that the kernels of one kind reach, and what a group of rows costs to begin and end. */
export interface KernelCosts {
  dense: number;
  /** By the rows that share a position. */
  sparse: { 1: number; 2: number; 4: number };
  /** In positions. */
  groupOverhead: number;
}

export interface CostModel {
  /** Planes of two pixels and more. */
  planes: KernelCosts;
  /** One pixel an image: linear layers, what follows a global pool. */
  vector: KernelCosts;
}

export const defaultCostModel: CostModel = {
  planes: { dense: 0.9, sparse: { 1: 0.66, 2: 0.84, 4: 0.88 }, groupOverhead: 2 },
  // there is no kernel for pairs of rows at one pixel: its share is that of two single rows
  vector: { dense: 0.57, sparse: { 1: 0.09, 2: 0.09, 4: 0.41 }, groupOverhead: 2 },
};
