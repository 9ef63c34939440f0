// Sums of products of columns over samples.
import type { LinearAlgebra } from '../linear-algebra.ts';
import type { GroupStatistics } from './statistics.ts';

/** Samples summed in f32 before they are added in f64. */
const capacity = 256;

/** Columns of a panel of assembly/prune/gram.ts. */
const panel = 8;

/** Writes columns of `count` samples, from the given sample `from` on, into panels after `first` others. */
export type Fill = (
  to: Float32Array,
  from: number,
  count: number,
  place: { panel: number; capacity: number; first: number },
) => void;

/** Second moments of one group's columns: x of the dense network, x̂ of the pruned one. */
export class Moments {
  readonly n: number;
  readonly #algebra: LinearAlgebra;
  readonly #panels: number;
  readonly #stride: number;
  readonly #x: number;
  readonly #y: number;
  readonly #dense: number;
  readonly #gram: number;
  readonly #cross: number;
  readonly #same: boolean;
  readonly #mean: Float64Array;
  readonly #denseMean: Float64Array;
  #waiting = 0;
  count = 0;

  /** @param same when x̂ = x throughout. Takes memory of `algebra`, which the caller releases. */
  constructor(algebra: LinearAlgebra, n: number, same: boolean) {
    this.n = n;
    this.#algebra = algebra;
    this.#same = same;
    this.#panels = Math.ceil(n / panel);
    this.#stride = panel * this.#panels;
    const matrix = () => {
      const at = algebra.doubles(this.#stride ** 2);
      algebra.float64(at, this.#stride ** 2).fill(0);
      return at;
    };
    const samples = () => {
      const at = algebra.floats(capacity * this.#stride);
      algebra.float32(at, capacity * this.#stride).fill(0); // columns after the last stay 0
      return at;
    };
    this.#x = samples();
    this.#dense = matrix();
    this.#y = same ? this.#x : samples();
    this.#gram = same ? this.#dense : matrix();
    this.#cross = same ? this.#dense : matrix();
    this.#mean = new Float64Array(n);
    this.#denseMean = same ? this.#mean : new Float64Array(n);
  }

  /** Adds `count` samples. @returns whether all numbers were finite */
  add(count: number, dense: Fill, pruned: Fill): boolean {
    let finite = true;
    for (let from = 0; from < count;) {
      const some = Math.min(count - from, capacity - this.#waiting);
      const place = { panel, capacity, first: this.#waiting };
      const part = (at: number, fill: Fill, sums: Float64Array) => {
        const data = this.#algebra.float32(at, capacity * this.#stride);
        fill(data, from, some, place);
        finite = addColumns(data, this.#waiting, some, sums) && finite;
      };
      part(this.#x, dense, this.#denseMean);
      if (!this.#same) part(this.#y, pruned, this.#mean);
      from += some;
      this.#waiting += some;
      if (this.#waiting === capacity) this.#flush();
    }
    this.count += count;
    return finite;
  }

  #flush(): void {
    const sum = (x: number, y: number, to: number, symmetric: boolean) => {
      const { run } = this.#algebra;
      run.gram(x, y, this.#waiting, capacity, this.#panels, this.#panels, to, this.#stride, Number(symmetric));
    };
    if (this.#waiting > 0) {
      sum(this.#x, this.#x, this.#dense, true);
      if (!this.#same) {
        sum(this.#y, this.#y, this.#gram, true);
        sum(this.#x, this.#y, this.#cross, false);
      }
    }
    this.#waiting = 0;
  }

  /** Means of all samples so far. */
  finish(): GroupStatistics {
    this.#flush();
    const { n, count } = this;
    const scale = 1 / Math.max(count, 1);
    const read = (at: number, symmetric: boolean): Float64Array => {
      const sums = this.#algebra.float64(at, this.#stride ** 2);
      const matrix = new Float64Array(n * n);
      for (let i = 0; i < n; i++) {
        for (let j = symmetric ? i : 0; j < n; j++) {
          matrix[i * n + j] = sums[i * this.#stride + j] * scale;
          if (symmetric) matrix[j * n + i] = matrix[i * n + j];
        }
      }
      return matrix;
    };
    const means = (sums: Float64Array) => sums.map((sum) => sum * scale);
    const dense = read(this.#dense, true);
    const denseMean = means(this.#denseMean);
    if (this.#same) return { n, count, gram: dense, cross: dense, dense, mean: denseMean, denseMean };
    const gram = read(this.#gram, true);
    return { n, count, gram, cross: read(this.#cross, false), dense, mean: means(this.#mean), denseMean };
  }
}

/** Adds columns to sums. @returns whether the sums are finite */
function addColumns(data: Float32Array, first: number, count: number, sums: Float64Array): boolean {
  let finite = true;
  for (let column = 0; column < sums.length; column++) {
    let at = Math.floor(column / panel) * capacity * panel + first * panel + (column % panel);
    let sum = 0;
    for (let s = 0; s < count; s++, at += panel) sum += data[at];
    sums[column] += sum;
    finite &&= Number.isFinite(sums[column]);
  }
  return finite;
}
