// Orders channels by repeatedly removing the one whose removal costs its readers least when their other weights are refitted
// (optimal brain surgeon; the columns of a channel are removed together, from all readers at once).
//
// A reader's error on its inputs is quadratic in its weights B with matrix H. Removing columns C and refitting the others
// adds Σ b_C (A_CC)⁻¹ b_Cᵀ over rows b, A = H⁻¹. Then B_C (A_CC)⁻¹ A_C is subtracted from B, and A is updated likewise.

/** A layer, or one group of a grouped convolution, that reads the channels; f64, row-major. Both matrices are overwritten. */
export interface ChannelReader {
  readonly rows: number;
  readonly n: number;
  /** (rows, n) */
  readonly weights: Float64Array;
  /** (n, n) */
  readonly inverse: Float64Array;
  /** Divisor of its errors. */
  readonly scale: number;
  /** Columns of each channel; empty for channels that it does not read. */
  readonly columns: readonly Int32Array[];
}

export interface Elimination {
  /** All channels but one, in the order of removal. */
  order: number[];
  /** The sum of the readers' relative errors after each removal. */
  errors: number[];
}

export function eliminate(readers: readonly ChannelReader[], count: number, signal?: AbortSignal): Elimination {
  const alive = new Uint8Array(count).fill(1);
  const result: Elimination = { order: [], errors: [] };
  let error = 0;
  while (result.order.length < count - 1) {
    signal?.throwIfAborted();
    let [best, least] = [-1, Infinity];
    for (let c = 0; c < count; c++) {
      if (!alive[c]) continue;
      let cost = 0;
      for (const reader of readers) cost += costOf(reader, reader.columns[c]);
      if (cost < least || best < 0) [best, least] = [c, cost];
    }
    alive[best] = 0;
    error += least;
    result.order.push(best);
    result.errors.push(error);
    for (const reader of readers) for (const column of reader.columns[best]) removeColumn(reader, column);
  }
  return result;
}

/** The increase of a reader's relative error without these columns. */
function costOf({ rows, n, weights, inverse, scale }: ChannelReader, columns: Int32Array): number {
  const size = columns.length;
  if (size === 0) return 0;
  if (size === 1) {
    const [i] = columns;
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += weights[r * n + i] ** 2;
    return sum / (Math.max(inverse[i * n + i], Number.MIN_VALUE) * scale);
  }
  const matrix = new Float64Array(size * size);
  for (let a = 0; a < size; a++)
    for (let b = 0; b < size; b++) matrix[a * size + b] = inverse[columns[a] * n + columns[b]];
  factorise(matrix, size);
  // Σ b M⁻¹ bᵀ = Σ ‖L⁻¹ bᵀ‖²
  const solved = new Float64Array(size);
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    for (let a = 0; a < size; a++) {
      let value = weights[r * n + columns[a]];
      for (let b = 0; b < a; b++) value -= matrix[a * size + b] * solved[b];
      solved[a] = value / matrix[a * size + a];
      sum += solved[a] ** 2;
    }
  }
  return sum / scale;
}

/** Cholesky in place, lower. A pivot that rounding makes non-positive counts as expensive. */
function factorise(matrix: Float64Array, size: number): void {
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k] * matrix[j * size + k];
      if (i === j) matrix[j * size + j] = Math.sqrt(Math.max(sum, 1e-300));
      else matrix[i * size + j] = sum / matrix[j * size + j];
    }
  }
}

function removeColumn({ rows, n, weights, inverse }: ChannelReader, column: number): void {
  const row = inverse.slice(column * n, (column + 1) * n);
  const pivot = row[column];
  if (!(pivot > 0)) return; // removed already: the column is a combination of others
  subtract(weights, rows, n, column, row, pivot);
  subtract(inverse, n, n, column, row, pivot);
}

/** Subtracts a multiple of `row` from each row, so that its number at `column` becomes 0. */
function subtract(
  matrix: Float64Array,
  rows: number,
  n: number,
  column: number,
  row: Float64Array,
  pivot: number,
): void {
  for (let r = 0; r < rows; r++) {
    const first = r * n;
    const factor = matrix[first + column] / pivot;
    if (factor === 0) continue;
    for (let i = 0; i < n; i++) matrix[first + i] -= factor * row[i];
    matrix[first + column] = 0;
  }
}
