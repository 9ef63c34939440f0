// What kernels cost, for choosing between encodings. All constants of the choice are here.

export interface CostModel {
  /** Share of the machine's peak that the dense kernel reaches. */
  dense: number;
  /** Share of peak that the sparse kernels reach, by the rows that share a position. */
  sparse: { 1: number; 2: number; 4: number };
  /** What starting and storing a group of rows costs, in positions. */
  groupOverhead: number;
}

export const defaultCostModel: CostModel = {
  dense: 0.9,
  sparse: { 1: 0.66, 2: 0.84, 4: 0.88 },
  groupOverhead: 1.5,
};
