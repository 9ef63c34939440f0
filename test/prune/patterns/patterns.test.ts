import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { magnitudeScores } from '../../../src/prune/criteria/magnitude-scores.ts';
import { blocksToKeep, hasPattern, masked, select, sparsityOf } from '../../../src/prune/patterns/masks.ts';
import { blocksOf, groupedBy, patternNamed } from '../../../src/prune/patterns/patterns.ts';
import { randomScores } from '../../../src/prune/criteria/random.ts';
import { randomFloats } from '../../kernels/wasm.ts';
import { layerOf } from '../networks.ts';

const names = [
  'unstructured',
  'group2',
  'group4',
  'kernel',
  '2:4',
  '1:16',
  '3:5',
  '4:4',
  'inputs16',
  '1x4',
  '2x4',
  '4x4',
  'channel',
];

const layers = fc
  .record({
    groups: fc.constantFrom(1, 1, 2, 3),
    rows: fc.integer({ min: 1, max: 13 }),
    inputs: fc.integer({ min: 1, max: 40 }),
    kernel: fc.constantFrom([1, 1], [3, 3], [1, 2]),
  })
  .map(({ groups, rows, inputs, kernel: [kh, kw] }) => layerOf([rows * groups, inputs, kh, kw], groups));

describe.each(names)('pattern %s', (name) => {
  it('cuts any layer into numbered blocks, and masks have it', () => {
    fc.assert(
      fc.property(layers, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), (layer, sparsity, seed) => {
        const { blocks } = blocksOf(patternNamed(name), layer);
        expect(blocks.blockOf).toHaveLength(layer.rows * layer.columns);
        const seen = new Set(blocks.blockOf);
        expect(seen.size).toBe(blocks.count);
        expect(Math.max(...seen)).toBe(blocks.count - 1);
        const weights = randomFloats(seed)(layer.rows * layer.columns);
        const keep = blocksToKeep(blocks, sparsity);
        for (const scores of [magnitudeScores(weights, blocks), randomScores(blocks, seed)]) {
          const mask = select(scores, blocks, keep);
          expect(hasPattern(mask, blocks)).toBe(true);
          const kept = new Set(blocks.blockOf.filter((_, i) => mask[i] === 1));
          expect(kept.size).toBe(keep);
          const least = Math.min(...[...kept].map((block) => scores[block]));
          // of N:M a large one may have to go for a larger one of its set
          if (!blocks.sets) scores.forEach((score, block) => kept.has(block) || expect(score <= least).toBe(true));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('blocks', () => {
  const of = (name: string, ...args: Parameters<typeof layerOf>) => patternNamed(name).blocks(layerOf(...args));

  it('groups consecutive output channels, the rest one by one', () => {
    expect(of('group2', [5, 2, 1, 1])).toEqual({ blockOf: Int32Array.of(0, 1, 0, 1, 2, 3, 2, 3, 4, 5), count: 6 });
  });

  it('groups output channels that read the same inputs only', () => {
    expect(of('group2', [6, 1, 1, 1], 2)).toEqual({ blockOf: Int32Array.of(0, 0, 1, 2, 2, 3), count: 4 });
    expect(of('group4', [8, 1, 3, 3], 8)).toBe('one output channel reads the same inputs');
  });

  it('takes whole kernels', () => {
    expect(of('kernel', [2, 2, 1, 2])).toEqual({ blockOf: Int32Array.of(0, 0, 1, 1, 2, 2, 3, 3), count: 4 });
  });

  it('counts N:M along inputs, at each position of a kernel', () => {
    expect(of('1:2', [1, 3, 1, 2])).toEqual({
      blockOf: Int32Array.of(0, 1, 2, 3, 4, 5),
      count: 6,
      sets: { setOf: Int32Array.of(0, 1, 0, 1, 2, 3), count: 4, kept: 1 },
    });
    expect(of('2:4', [8, 3, 3, 3])).toBe('3 inputs, fewer than 4');
  });

  it('keeps as many of a rest of N:M as of a whole set', () => {
    const { blocks } = blocksOf(patternNamed('2:4'), layerOf([1, 7, 1, 1]));
    const mask = select(magnitudeScores(Float32Array.of(1, 2, 3, 4, 1, 3, 2), blocks), blocks, 0);
    expect([...mask]).toEqual([0, 0, 1, 1, 0, 1, 1]);
  });

  it('puts 16 inputs together', () => {
    const blocks = of('inputs16', [2, 20, 1, 1]);
    const row = (first: number) => Array.from({ length: 20 }, (_, i) => first + Number(i >= 16));
    expect(blocks).toEqual({ blockOf: Int32Array.from([...row(0), ...row(2)]), count: 4 });
  });

  it('puts rows and four inputs together', () => {
    expect(of('2x4', [3, 5, 1, 1])).toEqual({
      blockOf: Int32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 2, 2, 2, 3),
      count: 4,
    });
    // at each position of a kernel by itself
    expect(of('1x4', [1, 4, 1, 2])).toEqual({ blockOf: Int32Array.of(0, 1, 0, 1, 0, 1, 0, 1), count: 2 });
    expect(of('4x4', [8, 3, 1, 1])).toBe('3 inputs, fewer than 4');
    const grouped = patternNamed('4x4').blocks({ ...layerOf([8, 4, 1, 1]), groups: 4 });
    expect(grouped).toBe('2 output channels read the same inputs');
  });

  it("follow a user's groups", () => {
    const layer = layerOf([2, 2, 1, 1]);
    const pattern = groupedBy(({ name }) => (name === 'layer' ? [7, 7, -1, 7] : undefined));
    expect(pattern.blocks(layer)).toEqual({ blockOf: Int32Array.of(0, 0, 1, 0), count: 2 });
    const other = { ...layer, name: 'other' };
    expect(pattern.blocks(other)).toBe('no groups are given');
    expect(groupedBy(() => undefined, patternNamed('channel')).blocks(other)).toEqual(of('channel', [2, 2, 1, 1]));
    expect(() => groupedBy(() => [1, 2]).blocks(layer)).toThrow(/"layer": wanted 4 numbers \(2×2×1×1\), got 2/);
    expect(() => groupedBy(() => [1, 2, 3, 0.5]).blocks(layer)).toThrow(/"layer": 0.5 at 3 is not an integer/);
  });

  it('are single weights where a pattern does not fit, with the reason', () => {
    const { blocks, pattern, remark } = blocksOf(patternNamed('inputs16'), layerOf([2, 3, 1, 1]));
    expect(blocks.count).toBe(6);
    expect(pattern).toBe('unstructured');
    expect(remark).toBe('unstructured: inputs16 does not fit, 3 inputs, fewer than 16');
  });
});

it('knows no other names', () => {
  for (const name of ['group3', '5:4', '0:4', '2:17', '']) {
    expect(() => patternNamed(name), name).toThrow(/pattern ".*"/);
  }
  expect(() => patternNamed('group3')).toThrow(/"group3"; patterns are unstructured, group2, group4, kernel, N:M/);
});

describe('select', () => {
  it('keeps the first of equal scores, in sets too', () => {
    const layer = layerOf([1, 4, 1, 1]);
    const { blocks } = blocksOf(patternNamed('unstructured'), layer);
    expect([...select(new Float32Array(4), blocks, 2)]).toEqual([1, 1, 0, 0]);
    const { blocks: pairs } = blocksOf(patternNamed('1:2'), layer);
    expect([...select(new Float32Array(4), pairs, 0)]).toEqual([1, 0, 1, 0]);
  });

  it('keeps none and all', () => {
    const blocks = patternNamed('unstructured').blocks(layerOf([2, 2, 1, 1])) as never;
    const scores = Float32Array.of(1, 2, 3, 4);
    expect([...select(scores, blocks, 0)]).toEqual([0, 0, 0, 0]);
    expect([...select(scores, blocks, 4)]).toEqual([1, 1, 1, 1]);
  });

  it('tells tiny weights apart', () => {
    const layer = layerOf([2, 2, 1, 1]);
    const weights = Float32Array.of(1e-30, 3e-30, 3e-30, -2e-30);
    for (const [name, wanted] of [
      ['unstructured', [0, 1, 1, 0]],
      ['group2', [1, 0, 1, 0]],
    ] as const) {
      const { blocks } = blocksOf(patternNamed(name), layer);
      const keep = blocksToKeep(blocks, 0.5);
      if (name === 'group2') weights.set([1e-30, 1e-30, 3e-30, 2e-30]);
      expect([...select(magnitudeScores(weights, blocks), blocks, keep)], name).toEqual(wanted);
    }
  });
});

it('says how sparse masked weights are', () => {
  expect(sparsityOf(masked(Float32Array.of(1, 2, 3, 4), Uint8Array.of(0, 1, 1, 0)))).toBe(0.5);
});
