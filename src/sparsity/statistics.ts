// What layers read, as far as least squares needs it.

/**
 * Second moments of what one group of channels reads, over `count` samples: a sample is what one output pixel reads. x is
 * the dense network's, x̂ the pruned one's at the same pixel of the same photo; n columns are (I / groups, kh, kw). Matrices
 * are (n, n), row-major, and not centred. Where both networks are the same so far, `gram`, `cross` and `dense` are one array.
 */
export interface GroupStatistics {
  readonly n: number;
  readonly count: number;
  /** Mean of x̂ x̂ᵀ. */
  readonly gram: Float64Array;
  /** Mean of x x̂ᵀ: rows are the dense network's columns. */
  readonly cross: Float64Array;
  /** Mean of x xᵀ. */
  readonly dense: Float64Array;
  /** Mean of x̂. */
  readonly mean: Float64Array;
  /** Mean of x. */
  readonly denseMean: Float64Array;
}

/** Of each group of a grouped convolution (a depthwise one: of each channel); else one. */
export interface LayerStatistics {
  readonly groups: readonly GroupStatistics[];
}
