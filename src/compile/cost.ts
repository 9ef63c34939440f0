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
  /** Pointwise products in eight bits, for layers whose range is known. `defaultInt8Costs` where absent. */
  int8?: Int8Costs;
}

/** Shares of the f32 peak that the 8-bit kernels reach. There is no dense one: groups of 4 that hold all serve. */
export interface Int8Costs extends KernelCosts {
  /** Multiply-accumulates at f32 peak in the time that one input value takes to become 8 bits. */
  quantise: number;
}

/**
 * Of the simd build on x64, the least of all: what is faster there is faster everywhere. Relaxed builds reach 1.6, 1.8 and
 * 2.7 where the machine has VNNI, and 0.95, 1.15 and 1.35 where it does not.
 */
export const defaultInt8Costs: Int8Costs = {
  dense: 1e-9,
  sparse: { 1: 0.8, 2: 1.1, 4: 1.15 },
  groupOverhead: 4,
  quantise: 3.6,
};

export const defaultCostModel: CostModel = {
  planes: { dense: 0.9, sparse: { 1: 0.66, 2: 0.84, 4: 0.88 }, groupOverhead: 2 },
  // there is no kernel for pairs of rows at one pixel: its share is that of two single rows
  vector: { dense: 0.57, sparse: { 1: 0.09, 2: 0.09, 4: 0.41 }, groupOverhead: 2 },
};
