// Objects that are followed through made-up videos, against what moves there.
import { describe, expect, it } from 'vitest';
import { assign } from '../../src/vision/assignment.ts';
import { BoxFilter } from '../../src/vision/box-filter.ts';
import { ByteTrack } from '../../src/vision/byte-track.ts';
import type { Detection } from '../../src/vision/detection.ts';
import { randomFloats } from '../kernels/wasm.ts';

function seen(x: number, y: number, score = 0.9, classIndex = 0, size = 40): Detection {
  return { label: `class ${classIndex}`, classIndex, score, box: { xmin: x, ymin: y, xmax: x + size, ymax: y + size } };
}

/** Ids in each frame, in the order of the detections' x. */
function idsOf(frames: readonly Detection[][], options = {}, perSecond = 30): number[][] {
  const track = new ByteTrack({ highScore: 0.5, ...options });
  return frames.map((detections, i) =>
    track
      .next(detections, i / perSecond)
      .toSorted((a, b) => a.box.xmin - b.box.xmin)
      .map(({ id }) => id),
  );
}

const frames = (count: number, of: (i: number) => Detection[]) => Array.from({ length: count }, (_, i) => of(i));

describe('ByteTrack', () => {
  it('gives an object one id while it moves', () => {
    const ids = idsOf(frames(60, (i) => [seen(10 + 5 * i, 100), seen(400, 10 + 3 * i)]));
    expect(new Set(ids.slice(0, 60).map((frame) => frame.length))).toEqual(new Set([2]));
    const [[first, second]] = ids;
    for (const frame of ids) expect([...frame].toSorted()).toEqual([first, second].toSorted());
  });

  it('keeps the ids of two that pass each other', () => {
    const track = new ByteTrack({ highScore: 0.5 });
    const start = track.next([seen(0, 100), seen(300, 130)], 0);
    const idAt = (of: typeof start, x: number) => of.find(({ box }) => Math.abs(box.xmin - x) < 1)!.id;
    const [right, left] = [idAt(start, 0), idAt(start, 300)];
    for (let i = 1; i <= 50; i++) {
      const found = track.next([seen(6 * i, 100), seen(300 - 6 * i, 130)], i / 30);
      expect(found.length).toBe(2);
      if (i !== 25) expect([idAt(found, 6 * i), idAt(found, 300 - 6 * i)]).toEqual([right, left]);
    }
  });

  it('knows one again that was hidden for less than its patience, where it has moved on to', () => {
    const moving = (i: number) => (i >= 30 && i < 50 ? [] : [seen(10 + 4 * i, 100)]);
    expect(new Set(idsOf(frames(80, moving)).flat())).toEqual(new Set([1]));
    const ids = new Set(idsOf(frames(80, moving), { patience: 0.3 }).flat());
    expect(ids).toEqual(new Set([1, 2]));
  });

  it('keeps an id through low scores, which begin none', () => {
    const fading = frames(30, (i) => [seen(50, 50, i > 5 && i < 25 ? 0.2 : 0.9), seen(200, 200, 0.3)]);
    expect(idsOf(fading)).toEqual(frames(30, () => []).map(() => [1]));
  });

  it('begins to follow what is seen twice', () => {
    const flicker = frames(6, (i) => (i === 2 ? [seen(0, 0), seen(300, 300)] : [seen(0, 0)]));
    expect(idsOf(flicker)).toEqual([[1], [1], [1], [1], [1], [1]]);
    const later = frames(6, (i) => (i >= 2 ? [seen(0, 0), seen(300, 300)] : [seen(0, 0)]));
    expect(idsOf(later)).toEqual([[1], [1], [1], [1, 2], [1, 2], [1, 2]]);
  });

  it('never takes an object for one of another class', () => {
    const ids = idsOf(frames(6, (i) => [seen(0, 0, 0.9, i < 3 ? 0 : 1)]));
    expect(ids).toEqual([[1], [1], [1], [], [2], [2]]);
  });

  it('follows in frames that come seldom, by their times', () => {
    const slow = frames(20, (i) => [seen(10 + 12 * i, 100)]);
    expect(new Set(idsOf(slow, {}, 6).flat())).toEqual(new Set([1]));
  });

  it('does not depend on a clock that is set back', () => {
    // one that goes, one that hides for less than the patience, one that leaves for good and one that comes there later
    const scene = frames(160, (i) => [
      seen(10 + 3 * i, 100),
      ...(i >= 30 && i < 45 ? [] : [seen(200, 300)]),
      ...(i < 50 || i >= 120 ? [seen(600, 600)] : []),
    ]);
    const idsBy = (clock: (i: number) => number) => {
      const track = new ByteTrack({ highScore: 0.5 });
      return scene.map((detections, i) => track.next(detections, clock(i)).map(({ id, box }) => [id, box.xmin]));
    };
    const wanted = idsBy((i) => i / 30);
    expect(new Set(wanted.flat().map(([id]) => id))).toEqual(new Set([1, 2, 3, 4]));
    expect(idsBy((i) => 1e9 + i / 30 - (i > 40 ? 3600 : 0))).toEqual(wanted); // while one hides
    expect(idsBy((i) => i / 30 - (i > 60 ? 3600 : 0) - (i > 61 ? 7200 : 0))).toEqual(wanted); // once one has left
    expect(idsBy((i) => (i === 70 ? NaN : i / 30)).at(-1)).toEqual(wanted.at(-1));
  });

  it('takes empty and senseless boxes for nothing', () => {
    const track = new ByteTrack({ highScore: 0.5 });
    const empty = { ...seen(5, 5), box: { xmin: 5, ymin: 5, xmax: 5, ymax: 9 } };
    const none = { ...seen(5, 5), box: { xmin: NaN, ymin: 5, xmax: 5, ymax: 9 } };
    expect(track.next([empty, none], 0)).toEqual([]);
    expect(track.next([], 1)).toEqual([]);
  });

  it('steadies boxes, and keypoints with them, on request', () => {
    const random = randomFloats(3);
    const jitter = [...random(400)].map((value) => 6 * value);
    const at = (i: number): Detection[] => {
      const [x, y] = [100 + 2 * i + jitter[2 * i], 100 + jitter[2 * i + 1]];
      return [{ ...seen(x, y), keypoints: [{ name: 'nose', x: x + 20, y: y + 10 }] }];
    };
    const errors = (smooth: boolean) => {
      const track = new ByteTrack({ highScore: 0.5, smooth });
      let [box, keypoint] = [0, 0];
      for (let i = 0; i < 200; i++) {
        const [found] = track.next(at(i), i / 30);
        if (i < 20) continue;
        box += (found.box.xmin - (100 + 2 * i)) ** 2;
        keypoint += (found.keypoints![0].x - (120 + 2 * i)) ** 2;
      }
      return [box, keypoint];
    };
    const [raw, steady] = [errors(false), errors(true)];
    for (const k of [0, 1]) expect(steady[k]).toBeLessThan(0.6 * raw[k]);
  });
});

describe('the filter of a box', () => {
  it('finds a steady motion, and goes on with it', () => {
    const box = (i: number) => ({ xmin: 5 * i, ymin: 50 - i, xmax: 5 * i + 30, ymax: 110 - i });
    const filter = new BoxFilter(box(0));
    for (let i = 1; i < 60; i++) {
      filter.predict(1, true);
      filter.update(box(i));
    }
    filter.predict(10, false);
    const { xmin, ymin, xmax, ymax } = filter.box;
    expect(Math.hypot(xmin - 345, ymin + 19, xmax - 375, ymax - 41)).toBeLessThan(2);
  });
});

describe('assignment', () => {
  /** By trying every permutation. */
  function cheapest(costs: number[][], limit: number, row = 0, taken = new Set<number>()): number {
    if (row === costs.length) return 0;
    let best = limit + cheapest(costs, limit, row + 1, taken);
    for (let j = 0; j < (costs[0]?.length ?? 0); j++) {
      if (taken.has(j) || costs[row][j] >= limit) continue;
      best = Math.min(best, costs[row][j] + cheapest(costs, limit, row + 1, new Set([...taken, j])));
    }
    return best;
  }

  it.each([
    [0, 0],
    [1, 1],
    [1, 5],
    [5, 1],
    [4, 4],
    [3, 6],
    [6, 3],
    [6, 6],
  ])('of %d to %d costs as little as any', (rows, columns) => {
    const random = randomFloats(rows * 10 + columns);
    for (let round = 0; round < 20; round++) {
      const costs = Array.from({ length: rows }, () => [...random(columns)].map((value) => Math.abs(value)));
      for (const limit of [0.3, 0.7, 2]) {
        const found = assign(costs, limit);
        expect(found.length).toBe(rows);
        const pairs = found.flatMap((j, i) => (j >= 0 ? [[i, j]] : []));
        expect(new Set(pairs.map(([, j]) => j)).size).toBe(pairs.length);
        const total = pairs.reduce((sum, [i, j]) => sum + costs[i][j], 0) + limit * (rows - pairs.length);
        // rows that stay alone count for the limit, as in the search
        expect(total).toBeCloseTo(cheapest(costs, limit), 9);
      }
    }
  });
});
