// The linear algebra of pruning against plain loops, at the edges of blocks and tiles.
import { describe, expect, it } from 'vitest';
import { LinearAlgebra } from '../../src/prune/linear-algebra.ts';
import { strideOf } from '../../src/prune/criteria/quadratic.ts';
import { RandomNumbers } from '../../src/prune/random-numbers.ts';

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130];

const matrix = (random: RandomNumbers, rows: number, n: number) =>
  Array.from({ length: rows }, () => Array.from({ length: n }, () => random.normal()));

/** A · Bᵀ. */
const times = (a: number[][], b: number[][]) =>
  a.map((row) => b.map((other) => row.reduce((sum, v, k) => sum + v * other[k], 0)));

/** Symmetric, with eigenvalues of 1 and more. */
function definite(random: RandomNumbers, n: number): number[][] {
  const a = matrix(random, n, n);
  return times(a, a).map((row, i) => row.map((v, j) => v + Number(i === j)));
}

/** Writes rows of `stride` doubles, NaN between them; returns the address. */
function write(algebra: LinearAlgebra, rows: number[][], stride: number): number {
  const at = algebra.doubles(rows.length * stride);
  const data = algebra.float64(at, rows.length * stride).fill(NaN);
  rows.forEach((row, i) => data.set(row, i * stride));
  return at;
}

function read(algebra: LinearAlgebra, at: number, rows: number, n: number, stride: number): number[][] {
  const data = algebra.float64(at, rows * stride);
  return Array.from({ length: rows }, (_, i) => [...data.subarray(i * stride, i * stride + n)]);
}

function expectClose(found: number[][], wanted: number[][], tolerance: number): void {
  const largest = Math.max(...wanted.flat().map(Math.abs));
  const error = Math.max(...wanted.flatMap((row, i) => row.map((v, j) => Math.abs(v - found[i][j]))));
  expect(error).toBeLessThanOrEqual(tolerance * largest);
}

const algebra = await LinearAlgebra.open();
const double = 1e-11; // f64, sums of at most 130 terms of a well-conditioned system

describe('dots', () => {
  it.each([
    [1, 1, 0],
    [1, 1, 1],
    [4, 2, 8],
    [5, 3, 7],
    [3, 1, 16],
    [8, 5, 33],
    [2, 9, 2],
  ])('multiplies %i and %i rows of %i', (m, n, k) => {
    const random = new RandomNumbers(m + 10 * n + 100 * k);
    const [a, b, c] = [matrix(random, m, k), matrix(random, n, k), matrix(random, m, n)];
    for (const [keep, sign] of [
      [0, 1],
      [1, -1],
      [0.5, 2],
    ]) {
      algebra.scope(() => {
        const at = write(algebra, keep === 0 ? c.map((row) => row.map(() => NaN)) : c, n + 3);
        algebra.run.dots(
          m,
          n,
          k,
          write(algebra, a, k + 1),
          k + 1,
          write(algebra, b, k + 2),
          k + 2,
          at,
          n + 3,
          keep,
          sign,
        );
        const wanted = times(a, b).map((row, i) => row.map((v, j) => keep * c[i][j] + sign * v));
        expectClose(read(algebra, at, m, n, n + 3), wanted, double);
        for (const row of read(algebra, at, m, n + 3, n + 3)) expect(row.slice(n)).toEqual([NaN, NaN, NaN]);
      });
    }
  });
});

describe('cholesky', () => {
  it.each(sizes)('factors, solves and inverts %i rows', (n) => {
    const random = new RandomNumbers(n);
    const a = definite(random, n);
    const b = matrix(random, 3, n);
    const stride = strideOf(n);
    algebra.scope(() => {
      // what lies above the diagonal is not read
      const lower = a.map((row, i) => row.map((v, j) => (j > i ? NaN : v)));
      const l = write(algebra, lower, stride);
      expect(algebra.run.cholesky(l, n, stride, 0)).toBe(0);
      const factor = read(algebra, l, n, n, stride).map((row, i) => row.map((v, j) => (j > i ? 0 : v)));
      expectClose(times(factor, factor), a, double);
      const x = write(algebra, b, stride);
      algebra.run.solve(l, n, stride, x, 3, stride);
      expectClose(times(read(algebra, x, 3, n, stride), a), b, double);
      const [u, to] = [algebra.doubles(n * stride), algebra.doubles(n * stride)];
      for (const at of [u, to]) algebra.float64(at, n * stride).fill(NaN);
      algebra.run.inverse(l, n, stride, u, to);
      const inverse = read(algebra, to, n, n, stride);
      const identity = a.map((row, i) => row.map((_, j) => Number(i === j)));
      expectClose(times(a, inverse), identity, double * 100); // condition numbers of some hundreds and more
      inverse.forEach((row, i) => row.forEach((v, j) => expect(v).toBe(inverse[j][i])));
    });
  });

  it('says which row is not definite', () => {
    const a = definite(new RandomNumbers(1), 40);
    a[21][21] = -1;
    algebra.scope(() => expect(algebra.run.cholesky(write(algebra, a, 40), 40, 40, 0)).toBe(22));
    algebra.scope(() => expect(algebra.run.cholesky(write(algebra, [[0]], 1), 1, 1, 0)).toBe(1));
    algebra.scope(() => expect(algebra.run.cholesky(write(algebra, [[NaN]], 1), 1, 1, 0)).toBe(1));
  });

  it('takes rows and columns out of a matrix', () => {
    const a = definite(new RandomNumbers(2), 9);
    const chosen = [0, 3, 4, 8];
    algebra.scope(() => {
      const h = write(algebra, a, 10);
      const at = algebra.floats(4);
      algebra.uint32(at, 4).set(chosen);
      const to = write(algebra, matrix(new RandomNumbers(3), 4, 4), 6);
      algebra.run.lower_part(h, 10, at, 4, to, 6);
      read(algebra, to, 4, 4, 6).forEach((row, i) => {
        expect(row.slice(0, i + 1)).toEqual(chosen.slice(0, i + 1).map((j) => a[chosen[i]][j]));
      });
    });
  });
});

describe('gram', () => {
  it.each([
    [1, 1, 1],
    [8, 8, 5],
    [9, 3, 16],
    [17, 24, 13],
  ])('sums products of %i and %i columns over %i samples', (n, m, samples) => {
    const random = new RandomNumbers(n + 100 * samples);
    const capacity = 16;
    const [x, y] = [matrix(random, samples, n), matrix(random, samples, m)];
    const panels = (rows: number[][], columns: number) => {
      const count = Math.ceil(columns / 8);
      const at = algebra.floats(count * capacity * 8);
      const data = algebra.float32(at, count * capacity * 8).fill(NaN); // rows that are not there
      rows.forEach((row, s) => {
        for (let j = 0; j < 8 * count; j++) data[(j >> 3) * capacity * 8 + s * 8 + (j & 7)] = row[j] ?? 0;
      });
      return { at, count, rows: rows.map((row) => row.map(Math.fround)) };
    };
    const columns = (rows: number[][]) => rows[0].map((_, j) => rows.map((row) => row[j]));
    algebra.scope(() => {
      const [a, b] = [panels(x, n), panels(y, m)];
      const stride = 8 * b.count + 8;
      const g = write(algebra, matrix(random, 8 * a.count, 8 * b.count), stride);
      const before = read(algebra, g, n, m, stride);
      algebra.run.gram(a.at, b.at, samples, capacity, a.count, b.count, g, stride, 0);
      const wanted = times(columns(a.rows), columns(b.rows)).map((row, i) => row.map((v, j) => v + before[i][j]));
      expectClose(read(algebra, g, n, m, stride), wanted, 1e-6); // products are summed in f32
      const own = write(
        algebra,
        matrix(random, 8 * a.count, 8 * a.count).map((row) => row.map(() => 0)),
        stride + 64,
      );
      algebra.run.gram(a.at, a.at, samples, capacity, a.count, a.count, own, stride + 64, 1);
      const right = (rows: number[][]) => rows.map((row, i) => row.map((v, j) => (j < i ? 0 : v)));
      const found = read(algebra, own, n, n, stride + 64);
      expectClose(right(found), right(times(columns(a.rows), columns(a.rows))), 1e-6);
    });
  });
});

describe('matmul', () => {
  it.each([
    [4, 1, 1],
    [4, 8, 8],
    [8, 9, 7],
    [12, 513, 17],
    [4, 1030, 3],
  ])('multiplies %i rows of %i by as many rows of %i', (rows, k, n) => {
    const random = new RandomNumbers(rows + k);
    const [x, m] = [matrix(random, rows, k).map((row) => row.map(Math.fround)), matrix(random, k, n)];
    const panels = Math.ceil(n / 8);
    algebra.scope(() => {
      const packed = algebra.floats(8 * panels * k);
      algebra.run.pack_panels(write(algebra, m, n + 1), k, n, n + 1, packed);
      const from = algebra.floats(rows * (k + 3));
      const data = algebra.float32(from, rows * (k + 3)).fill(NaN);
      x.forEach((row, i) => data.set(row, i * (k + 3)));
      const ldy = 8 * panels + 5;
      const y = algebra.floats(rows * ldy);
      algebra.float32(y, rows * ldy).fill(NaN);
      algebra.run.matmul(rows, k, from, k + 3, packed, panels, y, ldy);
      const found = algebra.float32(y, rows * ldy);
      const rowsFound = x.map((_, i) => [...found.subarray(i * ldy, i * ldy + n)]);
      const columns = Array.from({ length: n }, (_, j) => m.map((row) => row[j]));
      expectClose(rowsFound, times(x, columns), 1e-5); // f32 sums of 1030 terms
      for (let i = 0; i < rows; i++)
        expect([...found.subarray(i * ldy + n, i * ldy + 8 * panels)]).toEqual(Array(8 * panels - n).fill(0));
    });
  });
});

describe('Kernels', () => {
  it('frees memory taken in a scope, keeps earlier memory, and grows', () => {
    const kept = algebra.doubles(3);
    algebra.float64(kept, 3).set([1, 2, 3]);
    const first = algebra.scope(() => algebra.doubles(2 ** 18));
    expect(algebra.scope(() => algebra.floats(1))).toBe(first);
    expect([...algebra.float64(kept, 3)]).toEqual([1, 2, 3]);
    expect(first % 64).toBe(0);
  });
});
