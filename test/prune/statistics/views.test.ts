import { describe, expect, it } from 'vitest';
import { viewsOf } from '../../../src/prune/statistics/views.ts';
import { RandomNumbers } from '../../../src/prune/random-numbers.ts';

/** Of each pixel its place: x, y, 7. */
function photo(width: number, height: number) {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel % width, Math.floor(pixel / width), 7][i % 3];
  });
  return { data, width, height, channels: 3 as const };
}

describe('views of a photo', () => {
  const all = viewsOf(photo(40, 30), 9, new RandomNumbers(3));

  it('are itself, its mirror image, and parts of it, every other one mirrored', () => {
    expect(all).toHaveLength(9);
    expect(all[0]).toEqual(photo(40, 30));
    for (const [i, { data, width, height, channels }] of all.entries()) {
      expect(data.length).toBe(width * height * channels);
      expect(width).toBeGreaterThanOrEqual(20);
      expect(height).toBeGreaterThanOrEqual(15);
      const [left, top] = [Math.min(data[0], data[3 * (width - 1)]), data[1]];
      expect(left + width).toBeLessThanOrEqual(40);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const pixel = [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
          expect(pixel).toEqual([left + (i % 2 === 1 ? width - 1 - x : x), top + y, 7]);
        }
      }
    }
    expect(all[1].width).toBe(40);
    expect(new Set(all.slice(2).map(({ width, height }) => `${width} ${height}`)).size).toBeGreaterThan(3);
  });

  it('are the same for a seed, and more of them begin with the fewer', () => {
    expect(viewsOf(photo(40, 30), 4, new RandomNumbers(3))).toEqual(all.slice(0, 4));
  });

  it('are there of the smallest photo', () => {
    for (const { width, height } of viewsOf(photo(1, 1), 6, new RandomNumbers(1)))
      expect([width, height]).toEqual([1, 1]);
  });
});
