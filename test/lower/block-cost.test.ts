import { describe, expect, it } from 'vitest';
import { blockVectors, blocksWork, denseBlocks, keptBlocks } from '../../src/lower/block-cost.ts';
import { packBlocks, sumsFit } from '../../src/lower/blocks.ts';
import { defaultCostModel, predict, predictLayers } from '../../src/lower/cost.ts';
import { blockCount } from '../../src/program/constants.ts';
import { bytePrograms, wholeNumbers } from '../program/byte-programs.ts';

/** 100 × 90 × 1 weights of which this share of blocks is kept. */
function matrix(group: number, density: number) {
  const [rows, inputs] = [100, 90];
  const draw = wholeNumbers(9, rows * inputs, 1000);
  const weights = Int8Array.from({ length: rows * inputs }, (_, i) => {
    const [row, input] = [Math.floor(i / inputs), i % inputs];
    const corner = (row - (row % group)) * inputs + input - (input % 4);
    return Math.abs(draw[corner]) < 1000 * density ? 5 : 0;
  });
  return {
    rows,
    inputs,
    area: 1,
    weights,
    scales: new Float32Array(rows),
    bias: new Int32Array(rows),
    bits: 7,
  } as const;
}

describe('the cost of blocks', () => {
  it.each([1, 2, 4] as const)('counts the blocks of %s rows that packing keeps', (group) => {
    for (const density of [0, 0.2, 1]) {
      const m = matrix(group, density);
      expect(keptBlocks(m, group)).toBe(blockCount(packBlocks(m, group, 0)));
    }
    const m = matrix(4, 1);
    expect(denseBlocks(m)).toBe(blockCount(packBlocks(m, 'dense', 0)));
  });

  it.each([1, 2, 4] as const)('prefers half the blocks of %s rows to all, and all in fours to all in ones', (group) => {
    const vectors = blockVectors({ batch: 1, height: 1, width: 196, rowPixels: 0 });
    const ms = (size: 1 | 2 | 4, blocks: number) => predict(blocksWork(size, 100, blocks, vectors), defaultCostModel);
    const all = denseBlocks(matrix(4, 1));
    const half = matrix(group, 0.5);
    expect(ms(group, keptBlocks(half, group))).toBeLessThan(0.8 * ms(4, all));
    expect(ms(4, all)).toBeLessThan(ms(1, 4 * all));
  });

  it('is that of steps', () => {
    for (const [name, program] of Object.entries(bytePrograms)) {
      const [ms] = predictLayers(program);
      expect(ms, name).toBeGreaterThan(0);
    }
  });
});

describe('sumsFit', () => {
  const m = { rows: 1, inputs: 4, area: 1, weights: Int8Array.of(127, -127, 127, 127), bias: [0], bits: 8 } as const;

  it('takes what neither leaves 32 bits nor, scaled, 22', () => {
    expect(sumsFit({ ...m, scales: [1] })).toBe(true);
    // 4 · 127 · 255 · 32.3 is just below 2²², 32.4 above
    expect(sumsFit({ ...m, scales: [32.3] })).toBe(true);
    expect(sumsFit({ ...m, scales: [32.4] })).toBe(false);
    expect(sumsFit({ ...m, bits: 7, scales: [64] })).toBe(true);
    expect(sumsFit({ ...m, bias: [2 ** 31], scales: [0] })).toBe(false);
    expect(sumsFit({ ...m, scales: [NaN] })).toBe(false);
    expect(sumsFit({ ...m, weights: Int8Array.of(-128, 0, 0, 0), scales: [1] })).toBe(false);
  });
});
