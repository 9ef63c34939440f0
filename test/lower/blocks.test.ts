import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { packBlocks } from '../../src/lower/blocks.ts';
import { tapOffsets } from '../../src/lower/taps.ts';
import { createKernels } from '../../src/kernels.ts';
import { blockCount, constantBytes } from '../../src/program/constants.ts';
import type { Constant, TapTable } from '../../src/program/program.ts';
import type { Group } from '../../src/program/tiles.ts';
import { expandConstant, stagingBytes } from '../../src/runtime/expand-constant.ts';
import { blockStream } from '../kernels/bytes.ts';
import { builds } from '../kernels/wasm.ts';
import { wholeNumbers } from '../program/byte-programs.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const taps = (channels: number): TapTable => ({
  channels,
  kernel: [1, 3],
  stride: [1, 1],
  dilation: [1, 1],
  channelBytes: 400,
  phaseBytes: 0,
  rowBytes: 40,
});

/** Few blocks are kept where `every` is large: gaps of more than a byte then. */
function matrix(rows: number, inputs: number, every: number) {
  const weights = Int8Array.from(wholeNumbers(5, rows * inputs * 3, 127), (w, i) => (i % every ? 0 : w || 1));
  const scales = Float32Array.from(wholeNumbers(6, rows, 100), (v) => v / 1000);
  return { rows, inputs, area: 3, weights, scales, bias: wholeNumbers(7, rows, 5000), bits: 7 } as const;
}

describe.each(builds)('weights in blocks, %s build', async (build) => {
  const kernels = await createKernels({ build });

  function expand(constant: Constant, inputs: number) {
    kernels.reset();
    const table: Constant = { form: 'taps', taps: taps(Math.ceil(inputs / 4)) };
    const at = kernels.allocate(constantBytes(table));
    expandConstant(table, at, 0, 0, kernels);
    const to = kernels.allocate(constantBytes(constant));
    const staging = kernels.allocate(stagingBytes(constant));
    const wrong = expandConstant(constant, to, at, staging, kernels);
    return { wrong, words: [...new Int32Array(kernels.memory.buffer, to, constantBytes(constant) / 4)] };
  }

  it.each([1, 2, 4, 'dense'] as const)('in groups of %s are expanded to what kernels read', (group) => {
    for (const [rows, inputs, every] of [
      [1, 1, 1],
      [6, 9, 2],
      [7, 1601, 3001],
      [8, 4, 1000],
    ]) {
      const m = matrix(rows, inputs, every);
      const packed = packBlocks(m, group, 0);
      const { wrong, words } = expand(packed, inputs);
      expect(wrong).toBeUndefined();
      const offsets = tapOffsets(taps(Math.ceil(inputs / 4)));
      const isDense = group === 'dense';
      const [size, form] = [isDense ? 4 : group, words[0]];
      expect(words).toEqual(blockStream(m, m.weights, m.scales, m.bias, size, form, offsets, isDense));
      expect(packed.values.length).toBe(4 * packed.group * blockCount(packed));
    }
  });

  it('begin with the form that the host computes exactly', () => {
    const m = matrix(4, 4, 1);
    const [seven, eight] = ([7, 8] as const).map((bits) => expand(packBlocks({ ...m, bits }, 4, 0), 4).words[0]);
    // wide, wherever there is no relaxed SIMD
    if (build === 'simd') expect([seven, eight]).toEqual([2, 2]);
    else
      expect([
        [0, 0],
        [1, 2],
        [0, 2],
      ]).toContainEqual([seven, eight]);
  });

  it('are refused when gaps leave the columns, run out or are left over', () => {
    const packed = packBlocks(matrix(5, 40, 7), 2, 0);
    const gaps = packed.gaps as Uint8Array;
    const changed = (gaps: Uint8Array) => expand({ ...packed, gaps } as Constant, 40).wrong;
    expect(changed(gaps)).toBeUndefined();
    expect(changed(gaps.map((gap, i) => (i === 3 ? gap + 30 : gap)))).toMatch(
      /^row \d: gaps reach past its 30 columns/,
    );
    expect(changed(gaps.subarray(1))).toMatch(/gaps reach past/);
    expect(changed(Uint8Array.from([...gaps, 0]))).toBe('unused gaps are left');
  });

  it('of less than a group are filled up with zeros', () => {
    for (const group of [1, 2, 4] as Group[]) {
      const packed = packBlocks(matrix(5, 3, 1), group, 0);
      expect(packed.scales.length).toBe(8);
      expect([...(packed.scales as Float32Array)].slice(5)).toEqual([0, 0, 0]);
      expect([...(packed.bias as Int32Array)].slice(5)).toEqual([0, 0, 0]);
    }
  });
});
