import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { erdosRenyiKernel } from '../../../src/prune/distribution/erk.ts';
import type { Layer } from '../../../src/prune/layers.ts';
import { uniform } from '../../../src/prune/distribution/uniform.ts';
import { layerOf } from '../networks.ts';

const layers = fc
  .array(
    fc.record({
      outputs: fc.integer({ min: 1, max: 512 }),
      inputs: fc.integer({ min: 1, max: 512 }),
      kernel: fc.constantFrom(1, 3, 7),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((shapes) =>
    shapes.map(({ outputs, inputs, kernel }, i) => ({ ...layerOf([outputs, inputs, kernel, kernel]), name: `${i}` })),
  );

const zeros = (list: readonly Layer[], shares: ReadonlyMap<string, number>) =>
  list.reduce((sum, { name, rows, columns }) => sum + shares.get(name)! * rows * columns, 0) /
  list.reduce((sum, { rows, columns }) => sum + rows * columns, 0);

describe.each([
  ['uniform', uniform],
  ['ERK', erdosRenyiKernel],
])('%s', (_, distribution) => {
  it('has the share of zeros that is asked for', () => {
    fc.assert(
      fc.property(layers, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, sparsity) => {
        const shares = distribution(list, sparsity);
        for (const share of shares.values()) expect(share >= -1e-12 && share < 1).toBe(true);
        expect(zeros(list, shares)).toBeCloseTo(sparsity, 9);
      }),
    );
  });
});

describe('ERK', () => {
  it('gives density in proportion to the sum of sizes over their product', () => {
    const list = [layerOf([64, 64, 3, 3]), layerOf([256, 128, 1, 1])].map((layer, i) => ({ ...layer, name: `${i}` }));
    const shares = erdosRenyiKernel(list, 0.9);
    const ratio = (1 - shares.get('0')!) / (1 - shares.get('1')!);
    expect(ratio).toBeCloseTo(134 / (64 * 64 * 9) / (386 / (256 * 128)), 9);
  });

  it('leaves layers dense whose density would exceed 1, and takes the rest from the others', () => {
    const list = [layerOf([2, 2, 1, 1]), layerOf([100, 100, 1, 1])].map((layer, i) => ({ ...layer, name: `${i}` }));
    const shares = erdosRenyiKernel(list, 0.5);
    expect(shares.get('0')).toBe(0);
    expect(shares.get('1')).toBeCloseTo((0.5 * 10004) / 10000, 9);
  });
});
