import { describe, expect, it } from 'vitest';
import type { Candidates } from '../../src/vision/candidates.ts';
import { intersectionOverUnion, rankCandidates, suppress, suppressWeighted } from '../../src/vision/nms.ts';

/** [xmin, ymin, xmax, ymax, score, class, …keypoint] */
function candidates(...rows: number[][]): Candidates {
  const keypointCount = (rows[0].length - 6) / 2;
  return {
    length: rows.length,
    boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
    scores: Float32Array.from(rows, (row) => row[4]),
    classes: Int32Array.from(rows, (row) => row[5]),
    ...(keypointCount > 0 && { keypoints: Float32Array.from(rows.flatMap((row) => row.slice(6))) }),
    keypointCount,
  };
}

const row = (score: number) => [0, 0, 1, 1, score, 0];

const loose = { iouThreshold: 0.5, maxResults: 100 };

describe('intersectionOverUnion', () => {
  it.each([
    [[0, 0, 10, 10], [0, 0, 10, 10], 1],
    [[0, 0, 10, 10], [5, 0, 15, 10], 50 / 150],
    [[0, 0, 10, 10], [2, 2, 4, 4], 4 / 100],
    [[0, 0, 10, 10], [10, 0, 20, 10], 0], // they touch
    [[0, 0, 10, 10], [20, 20, 30, 30], 0],
    [[3, 3, 3, 3], [3, 3, 3, 3], 0], // empty
    [[-10, -10, 0, 0], [-5, -5, 5, 5], 25 / 175],
  ])('of %j and %j', (a, b, expected) => {
    const boxes = Float32Array.from([...a, ...b]);
    expect(intersectionOverUnion(boxes, 0, 1)).toBe(expected);
    expect(intersectionOverUnion(boxes, 1, 0)).toBe(expected);
  });
});

describe('rankCandidates', () => {
  it('puts the best first and keeps the order of equals', () => {
    expect(rankCandidates(candidates(row(0.5), row(0.9), row(0.5), row(0.7), row(0.9)), 100)).toEqual([1, 4, 3, 0, 2]);
    expect(rankCandidates(candidates(row(0.5), row(0.9), row(0.5), row(0.7)), 2)).toEqual([1, 3]);
  });

  it('drops boxes with NaN and inverted ones', () => {
    const good = [0, 0, 1, 1, 0.5, 0];
    const rows = [
      [Number.NaN, 0, 1, 1, 0.9, 0],
      [0, 0, 1, Infinity, 0.9, 0],
      good,
      [0, 0, 1, 1, Number.NaN, 0],
      [1, 0, 0, 1, 0.9, 0],
      [0, 1, 1, 0, 0.9, 0],
      [-Infinity, 0, Infinity, 1, 0.9, 0],
      [1, 1, 1, 1, 0.4, 0], // empty is not inside out
    ];
    expect(rankCandidates(candidates(...rows), 100)).toEqual([2, 7]);
  });
});

describe('suppress', () => {
  const overlapping = candidates(
    [0, 0, 10, 10, 0.6, 0],
    [1, 0, 11, 10, 0.9, 0], // 90/110 with the first
    [1, 0, 11, 10, 0.8, 1], // the same box, another class
    [50, 50, 60, 60, 0.3, 0],
  );

  it('keeps the best of each class', () => expect(suppress(overlapping, loose)).toEqual([1, 2, 3]));

  it('keeps the best of all classes when asked', () => {
    expect(suppress(overlapping, { ...loose, perClass: false })).toEqual([1, 3]);
  });

  it('suppresses above the threshold, not at it', () => {
    const touching = candidates([0, 0, 10, 10, 0.9, 0], [0, 0, 5, 10, 0.8, 0]); // exactly one half
    expect(suppress(touching, { ...loose, iouThreshold: 0.5 })).toEqual([0, 1]);
    expect(suppress(touching, { ...loose, iouThreshold: 0.49 })).toEqual([0]);
  });

  it('lets a suppressed box suppress nothing', () => {
    const chain = candidates([0, 0, 10, 10, 0.9, 0], [4, 0, 14, 10, 0.8, 0], [8, 0, 18, 10, 0.7, 0]);
    expect(suppress(chain, { ...loose, iouThreshold: 0.3 })).toEqual([0, 2]);
  });

  it('stops at maxResults and looks at maxCandidates', () => {
    expect(suppress(overlapping, { ...loose, maxResults: 2 })).toEqual([1, 2]);
    expect(suppress(overlapping, { ...loose, maxCandidates: 1 })).toEqual([1]);
    expect(suppress(candidates([0, 0, 1, 1, Number.NaN, 0]), loose)).toEqual([]);
  });
});

describe('suppressWeighted', () => {
  it('merges overlapping boxes, weighted by score, under the best score', () => {
    const merged = suppressWeighted(
      candidates(
        [0, 0, 10, 10, 0.25, 0, 4, 8],
        [50, 50, 60, 60, 0.5, 0, 55, 55],
        [2, 0, 12, 10, 0.75, 0, 6, 4], // 80/120 with the first
      ),
      { iouThreshold: 0.3, maxResults: 10 },
    );
    // (0.25·0 + 0.75·2) / 1 = 1.5, and so on. Every number here is exact in float32.
    expect([...merged.scores]).toEqual([0.75, 0.5]);
    expect([...merged.boxes]).toEqual([1.5, 0, 11.5, 10, 50, 50, 60, 60]);
    expect([...merged.keypoints!]).toEqual([5.5, 5, 55, 55]);
    expect([...merged.classes!]).toEqual([0, 0]);
    expect(merged.length).toBe(2);
  });

  it('clusters around the best box, not around the merged one', () => {
    const merged = suppressWeighted(
      candidates([0, 0, 10, 10, 0.5, 0], [4, 0, 14, 10, 0.5, 0], [8, 0, 18, 10, 0.5, 0]),
      { iouThreshold: 0.3, maxResults: 10 },
    );
    expect([...merged.boxes]).toEqual([2, 0, 12, 10, 8, 0, 18, 10]);
  });

  it('keeps classes apart unless asked', () => {
    const rows = candidates([0, 0, 10, 10, 0.5, 0], [0, 0, 10, 10, 0.25, 1]);
    expect(suppressWeighted(rows, loose).length).toBe(2);
    expect(suppressWeighted(rows, { ...loose, perClass: false }).length).toBe(1);
  });

  it('ends on empty boxes and zero scores', () => {
    const rows = candidates([1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0]);
    expect([...suppressWeighted(rows, loose).boxes]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(suppressWeighted(rows, { ...loose, maxResults: 1 }).length).toBe(1);
  });
});
