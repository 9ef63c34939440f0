import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { narrow } from '../../src/formats/half.ts';
import { matrixKernels } from '../../src/lower/matrix-kernels.ts';
import { countKept, packSpmm } from '../../src/lower/pack.ts';
import type { Group } from '../../src/program/tiles.ts';

/** What the drawing in pack.ts says, read back. */
function unpack(constant: ReturnType<typeof packSpmm>): Float32Array {
  if (constant.form !== 'spmm' || !(constant.values instanceof Float32Array)) throw new Error('not sparse f32 weights');
  const { rows, columns, group, counts, values } = constant;
  const gaps = constant.gaps as Uint8Array;
  const weights = new Float32Array(rows * columns);
  let [gap, value] = [0, 0];
  let row = 0;
  for (const count of counts) {
    const size = rows - row >= group ? group : 1;
    let column = -1;
    for (let i = 0; i < count; i++) {
      for (; gaps[gap] === 255; gap++) column += 255;
      column += gaps[gap++] + 1;
      for (let r = 0; r < size; r++) weights[(row + r) * columns + column] = values[value++];
    }
    row += size;
  }
  expect([gap, value, row]).toEqual([gaps.length, values.length, rows]);
  return weights;
}

describe('packed sparse weights', () => {
  const matrices = fc
    .record({ rows: fc.integer({ min: 1, max: 9 }), columns: fc.integer({ min: 1, max: 700 }) })
    .chain(({ rows, columns }) =>
      fc.record({
        rows: fc.constant(rows),
        columns: fc.constant(columns),
        // 1/3 is not a half, so values stay f32
        kept: fc.uniqueArray(fc.integer({ min: 0, max: rows * columns - 1 }), { maxLength: 12 }),
      }),
    );

  it('read back as they were, long gaps and empty rows included', () => {
    fc.assert(
      fc.property(matrices, fc.constantFrom<Group>(1, 2, 4), ({ rows, columns, kept }, group) => {
        const weights = new Float32Array(rows * columns);
        for (const i of kept) weights[i] = 1 / 3 + i;
        if (kept.length === 0) weights[0] = 1 / 3;
        expect(unpack(packSpmm(rows, columns, group, weights, undefined, 0, columns))).toEqual(weights);
      }),
    );
  });

  it.each([254, 255, 256, 509, 510, 511])('bridge %i zeros', (zeros) => {
    const weights = new Float32Array(zeros + 2);
    weights[0] = 1 / 3;
    weights[zeros + 1] = -1 / 3;
    expect(unpack(packSpmm(1, zeros + 2, 1, weights, undefined, 0, 0))).toEqual(weights);
  });
});

describe('the weights that an encoding keeps', () => {
  const weights = (rows: number, columns: number, keep: (row: number, column: number) => boolean) =>
    Float32Array.from({ length: rows * columns }, (_, i) => (keep(Math.floor(i / columns), i % columns) ? 0.5 : 0));

  it('counts positions that rows of a group share once, and zeros among them as weights', () => {
    // two rows that share no position
    const apart = weights(2, 64, (row, column) => column % 16 === row);
    expect(countKept(2, 64, apart, matrixKernels.f32_spmm_28x1)).toEqual({ groups: 2, positions: 8, weights: 8 });
    expect(countKept(2, 64, apart, matrixKernels.f32_spmm_16x2)).toEqual({ groups: 1, positions: 8, weights: 16 });
    expect(countKept(2, 64, apart, matrixKernels.f32_spmm_8x4)).toEqual({ groups: 2, positions: 8, weights: 8 }); // rows left over stand alone
    const shared = weights(4, 64, (_, column) => column % 8 === 0);
    expect(countKept(4, 64, shared, matrixKernels.f32_spmm_8x4)).toEqual({ groups: 1, positions: 8, weights: 32 });
  });

  it('is everything when dense, groups of four filled up', () => {
    expect(countKept(5, 3, new Float32Array(15), matrixKernels.f32_gemm_8x4)).toEqual({
      groups: 2,
      positions: 6,
      weights: 24,
    });
  });
});

describe('halves', () => {
  const widen = (half: number): number => {
    const [sign, exponent, mantissa] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
    return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
  };

  it('are used for every finite half, subnormals included, and mean the same', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((h) => ((h >> 10) & 31) !== 31);
    const narrowed = narrow(Float32Array.from(halves, widen));
    expect(narrowed).toBeInstanceOf(Uint16Array);
    expect(narrowed).toEqual(halves);
  });

  it.each([1 / 3, 65536, 2 ** -25, 1 + 2 ** -11, Infinity, NaN, 3 * 2 ** -25])('are not used for %f', (value) => {
    expect(narrow(Float32Array.of(1, value))).toBeInstanceOf(Float32Array);
  });
});
