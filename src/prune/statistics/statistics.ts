// The statistics of layers' inputs that least squares needs.

/**
 * Second moments of the inputs of one group of channels, over `count` samples; a sample is the column of one output pixel. x
 * is the dense network's, x̂ the pruned one's at the same pixel of the same photo; n columns are (I / groups, kh, kw). Matrices
 * are (n, n), row-major, and not centred. If both networks are equal so far, `gram`, `cross` and `dense` are one array.
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
  /** Statistics of every fourth image, which the others include. They show how far the others can be trusted. */
  readonly held?: GroupStatistics;
}

/** Statistics of each group of a grouped convolution (of each channel of a depthwise one); else one. */
export interface LayerStatistics {
  readonly groups: readonly GroupStatistics[];
}

/** Statistics of the samples of both, with those of `b` held out. */
export function joined(a: GroupStatistics, b: GroupStatistics): GroupStatistics {
  const count = a.count + b.count;
  return { ...mixed(a, a.count / count, b, b.count / count), count, held: b };
}

/** Statistics of the samples that are not held out. */
export function withoutHeld(all: GroupStatistics, held: GroupStatistics): GroupStatistics {
  const count = all.count - held.count;
  return { ...mixed(all, all.count / count, held, -held.count / count), count };
}

function mixed(a: GroupStatistics, p: number, b: GroupStatistics, q: number): GroupStatistics {
  const mix = (x: Float64Array, y: Float64Array) => x.map((v, i) => p * v + q * y[i]);
  const dense = mix(a.dense, b.dense);
  const denseMean = mix(a.denseMean, b.denseMean);
  const same = a.gram === a.dense && b.gram === b.dense;
  return {
    n: a.n,
    count: 0,
    dense,
    gram: same ? dense : mix(a.gram, b.gram),
    cross: same ? dense : mix(a.cross, b.cross),
    denseMean,
    mean: same ? denseMean : mix(a.mean, b.mean),
  };
}
