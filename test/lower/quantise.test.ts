import { describe, expect, it } from 'vitest';
import { widen } from '../../src/lower/pack.ts';
import type { WeightBits } from '../../src/lower/quantise.ts';
import { dequantised, isQuantisable, packQuantised, relativeWeightError } from '../../src/lower/quantise.ts';
import { randomFloats } from '../kernels/wasm.ts';

const bits: WeightBits[] = [8, 4];

/** Weights of many sizes, some groups of zeros. */
function weightsOf(rows: number, columns: number, seed: number): Float32Array {
  const random = randomFloats(seed);
  const sizes = random(rows, 20);
  const draw = random(rows * columns);
  return random(rows * columns).map((w, i) => {
    const group = Math.floor((i % columns) / 16) + 1000 * Math.floor(i / columns);
    return draw[group % draw.length] < -0.4 ? 0 : w * 2 ** sizes[Math.floor(i / columns)];
  });
}

describe.each(bits)('weights in %i bits', (n) => {
  it('err by half a scale at most, and zeros stay', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const [rows, columns] = [1 + (seed % 7), 1 + ((seed * 13) % 90)];
      const weights = weightsOf(rows, columns, seed);
      const packed = packQuantised(rows, columns, n, weights);
      const scales = widen(packed.scales);
      const rounded = dequantised(packed);
      // the scale of each weight: its row's, or the largest of its row's groups as a bound for what no group holds
      let kept = 0;
      for (let row = 0; row < rows; row++) {
        for (let c = 0; c < columns; c += 16) {
          const at = Array.from({ length: Math.min(16, columns - c) }, (_, i) => row * columns + c + i);
          const isKept = at.some((i) => weights[i] !== 0);
          const scale = isKept ? scales[n === 8 ? row : kept++] : 0;
          for (const i of at) {
            // rounding to f32 comes on top
            const bound = (scale / 2) * (1 + 1e-6) + 1e-6 * Math.abs(weights[i]);
            expect(Math.abs(rounded[i] - weights[i]), `seed ${seed}, ${row}, ${i}`).toBeLessThanOrEqual(bound);
            if (weights[i] === 0) expect(rounded[i]).toBe(0);
          }
        }
      }
      if (n === 4) expect(kept).toBe(scales.length);
    }
  });

  it('hold multiples of the scale exactly', () => {
    const top = n === 8 ? 127 : 7;
    const weights = Float32Array.from({ length: 64 }, (_, i) => ((i % (2 * top + 1)) - top) / 64);
    weights[0] = weights[16] = weights[32] = weights[48] = top / 64;
    expect([...dequantised(packQuantised(2, 32, n, weights))]).toEqual([...weights]);
  });

  it('leave out groups of zeros, across gaps of 255 and more', () => {
    const columns = 16 * 600;
    const weights = new Float32Array(2 * columns);
    for (const group of [0, 255, 256, 599]) weights[columns + 16 * group + 3] = 1 + group;
    const packed = packQuantised(2, columns, n, weights);
    expect([...packed.counts!]).toEqual([0, 4]);
    expect(packed.values.length).toBe(4 * 2 * n);
    const error = relativeWeightError(weights, dequantised(packed));
    expect(error).toBeLessThan(n === 8 ? 0.01 : 1e-3);
  });

  it('list no groups when all are kept', () => {
    const { counts, gaps, scales } = packQuantised(3, 40, n, randomFloats(1)(120));
    expect([counts, gaps]).toEqual([null, null]);
    expect(scales.length).toBe(n === 8 ? 3 : 9);
    if (n === 4) expect(scales).toBeInstanceOf(Uint16Array); // halves
  });
});

it('takes finite weights only', () => {
  expect(isQuantisable(Float32Array.of(1, -2))).toBe(true);
  expect(isQuantisable(Float32Array.of(1, NaN))).toBe(false);
  expect(isQuantisable(Float32Array.of(1, Infinity))).toBe(false);
});
