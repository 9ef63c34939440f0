import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRegions, pickPixels } from '../../../src/prune/statistics/picks.ts';
import { RandomNumbers } from '../../../src/prune/random-numbers.ts';

const sizes = fc.record({ height: fc.integer({ min: 1, max: 12 }), width: fc.integer({ min: 1, max: 12 }) });
const share = fc.double({ min: 0, max: 0.9, noNaN: true });
const regions = fc.array(
  fc.record({ left: share, top: share, width: share, height: share }).map(({ left, top, width, height }) => ({
    left,
    top,
    right: Math.min(1, left + width + 0.05),
    bottom: Math.min(1, top + height + 0.05),
  })),
  { maxLength: 3 },
);

describe('pixels', () => {
  it('are as many as wanted, different ones, in order, and the same for a seed', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 200 }),
        regions,
        (size, images, count, inside) => {
          const output = { ...size, pixels: images * size.height * size.width };
          const picks = pickPixels(output, count, new RandomNumbers(7), inside);
          expect(picks.length).toBe(Math.min(count, output.pixels));
          expect(
            picks.every((pixel, i) => pixel >= 0 && pixel < output.pixels && (i === 0 || pixel > picks[i - 1])),
          ).toBe(true);
          expect(pickPixels(output, count, new RandomNumbers(7), inside)).toEqual(picks);
        },
      ),
    );
  });

  it('are within the regions for the most part', () => {
    const size = { height: 20, width: 20, pixels: 400 };
    const inside = (pixel: number) => pixel % 20 >= 10 && pixel % 20 < 15 && Math.floor(pixel / 20) < 10;
    const count = (wanted: number) => {
      const region = { left: 0.5, top: 0, right: 0.75, bottom: 0.5 };
      return pickPixels(size, wanted, new RandomNumbers(1), [region]).filter(inside).length;
    };
    expect(count(50)).toBe(40);
    expect(count(200)).toBe(50); // all there are
    expect(count(390)).toBeGreaterThanOrEqual(40);
    // of a region smaller than a pixel: the pixel that it lies in
    const small = { left: 0.51, top: 0.51, right: 0.52, bottom: 0.52 };
    expect([...pickPixels(size, 5, new RandomNumbers(1), [small])]).toContain(10 * 20 + 10);
    // where the regions are the whole picture, all of them
    const whole = { left: 0, top: 0, right: 1, bottom: 1 };
    expect(pickPixels(size, 50, new RandomNumbers(1), [whole]).length).toBe(50);
  });
});

it('invalid regions are refused', () => {
  const region = { left: 0, top: 0.25, right: 1, bottom: 0.5 };
  checkRegions([[region], []], 2);
  expect(() => checkRegions([[region]], 2)).toThrow('regions: wanted a list for each of 2 samples, got 1');
  for (const wrong of [{ left: 1 }, { right: 1.01 }, { top: 0.5 }, { bottom: NaN }]) {
    expect(() => checkRegions([[], [{ ...region, ...wrong }]], 2)).toThrow(
      /regions: sample 1: wanted left < right and top < bottom from 0 to 1, got left, top, right, bottom = /,
    );
  }
});
