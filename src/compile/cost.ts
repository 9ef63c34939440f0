// What kernels cost, for choosing between encodings. All constants of the choice are here; `npm run bench` measures them.

/** Shares of the machine's peak that the kernels of one kind reach, and what a group of rows costs to begin and end. */
export interface KernelCosts {
  dense: number;
  /** By the rows that share a position. */
  sparse: { 1: number; 2: number; 4: number };
  /** In positions. */
  groupOverhead: number;
}

/** One pixel an image. Shares are of the peak for f32, also those of integers, which may be above 1. */
export interface LinearCosts extends KernelCosts {
  /** Weights in integers of 8 and 4 bits, on kept groups: images one by one, and four at a time. */
  quantised: { 4: { one: number; four: number }; 8: { one: number; four: number } };
  /** Multiply-accumulates at peak in the time that a float takes to another place. */
  transpose: number;
}

export interface CostModel {
  /** Planes of two pixels and more. */
  planes: KernelCosts;
  /** One pixel an image: linear layers, what follows a global pool. */
  vector: LinearCosts;
}

export const defaultCostModel: CostModel = {
  planes: { dense: 0.9, sparse: { 1: 0.66, 2: 0.84, 4: 0.88 }, groupOverhead: 2 },
  // there is no kernel for pairs of rows at one pixel: its share is that of two single rows
  vector: {
    dense: 0.7,
    sparse: { 1: 0.12, 2: 0.12, 4: 0.4 },
    groupOverhead: 2,
    quantised: { 4: { one: 0.64, four: 0.87 }, 8: { one: 0.85, four: 1.25 } },
    transpose: 8,
  },
};
