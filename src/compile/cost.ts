// What kernels cost, for choosing between encodings. All constants of the choice are here.

/** Times are in arbitrary units of one multiply-accumulate at the machine's peak. */
export interface CostModel {
  /** Share of peak that the dense kernel reaches. */
  dense: number;
  /** Share of peak that the sparse kernel reaches, by rows that share a position. */
  sparse: { 1: number; 2: number; 4: number };
}

export const defaultCostModel: CostModel = { dense: 0.9, sparse: { 1: 0.68, 2: 0.84, 4: 0.88 } };
