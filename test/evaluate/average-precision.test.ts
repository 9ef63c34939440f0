import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averagePrecision,
  cocoMetrics,
  iouThresholds,
  type CocoMetrics,
  type GroundTruth,
  type ScoredDetection,
} from '../../src/evaluate/average-precision.ts';
import { intersectionOverUnion, type Box, type Outcome } from '../../src/evaluate/match.ts';

const object = (box: Box, more: Partial<GroundTruth> = {}): GroundTruth => ({
  image: 1,
  category: 0,
  box,
  area: box[2] * box[3],
  crowd: false,
  ...more,
});
const detection = (box: Box, score: number, more: Partial<ScoredDetection> = {}): ScoredDetection => ({
  image: 1,
  category: 0,
  box,
  score,
  ...more,
});
const metrics = (objects: GroundTruth[], detections: ScoredDetection[], images = [1, 2]) =>
  cocoMetrics(objects, detections, images, [0]);

/** Outcomes of `ranks` detections. Those on the given ranks (from 1) are right. */
const ranked = (ranks: number, ...right: number[]) =>
  Array.from({ length: ranks }, (_, i): Outcome => (right.includes(i + 1) ? 'right' : 'wrong'));

// Sums of up to 101 quotients of small whole numbers.
const digits = 12;

describe('averagePrecision of published examples', () => {
  it('is that of J. Hui, "mAP for Object Detection" (2018): 5 objects, 10 detections', () => {
    // Right on ranks 1, 2, 6, 7, 10: recall .2 .4 .6 .8 1 with precision 1, 1, 3/6, 4/7, 5/10. The best at this recall or
    // higher: 1 at the 41 points 0 … .40, 4/7 at the 40 points .41 … .80, 1/2 at the 20 points .81 … 1.
    // (The article's eleven points: 5 · 1, 4 · 4/7, 2 · 1/2, together .753.)
    const { precision, recall } = averagePrecision(ranked(10, 1, 2, 6, 7, 10), 5);
    expect(precision).toBeCloseTo((41 + (40 * 4) / 7 + 20 / 2) / 101, digits);
    expect(recall).toBe(1);
  });

  it('is that of R. Padilla et al., "A Survey on Performance Metrics" (2020): 15 objects, 24 detections', () => {
    // Right on ranks 1, 3, 10, 12, 13, 14, 23. The envelope steps from 1 (recall 1/15) to 2/3 (2/15), 6/14 (6/15) and 7/23
    // (7/15); the 101 points fall 7 (0 … .06), 7 (… .13), 27 (… .40) and 6 (… .46) to a step. (Published, as the area under
    // the steps: 24.56 %.)
    const { precision, recall } = averagePrecision(ranked(24, 1, 3, 10, 12, 13, 14, 23), 15);
    expect(precision).toBeCloseTo((7 + (7 * 2) / 3 + (27 * 6) / 14 + (6 * 7) / 23) / 101, digits);
    expect(precision).toBeCloseTo(0.2456, 2);
    expect(recall).toBeCloseTo(7 / 15, digits);
  });

  it('counts a recall that falls on a point as reaching it', () => {
    // 29 of 100: points 0 … .29, whose last one is the same double as 29/100.
    expect(averagePrecision(ranked(29, ...Array.from({ length: 29 }, (_, i) => i + 1)), 100).precision).toBe(30 / 101);
  });

  it('leaves ignored detections out', () => {
    expect(averagePrecision(['ignored', 'right', 'ignored', 'wrong'], 1)).toEqual({ precision: 1, recall: 1 });
    expect(averagePrecision(['ignored', 'ignored'], 1)).toEqual({ precision: 0, recall: 0 });
    expect(averagePrecision([], 3)).toEqual({ precision: 0, recall: 0 });
  });
});

describe('intersectionOverUnion', () => {
  it('is exact on whole numbers', () => {
    expect(intersectionOverUnion([0, 0, 10, 10], [5, 0, 10, 10], false)).toBe(50 / 150);
    expect(intersectionOverUnion([0, 0, 10, 10], [5, 0, 100, 100], true)).toBe(0.5);
    expect(intersectionOverUnion([0, 0, 10, 10], [10, 0, 10, 10], false)).toBe(0);
    expect(intersectionOverUnion([0, 0, 0, 0], [0, 0, 0, 0], false)).toBe(0);
    expect(intersectionOverUnion([3, 4, 5, 6], [3, 4, 5, 6], false)).toBe(1);
  });
});

describe('cocoMetrics', () => {
  const whole: Box = [0, 0, 100, 100];

  it('counts the IoU thresholds that a box reaches, equality included', () => {
    expect(iouThresholds).toHaveLength(10);
    // 7500 of 10000: .50, .55, .60, .65, .70 and .75.
    const three = metrics([object(whole)], [detection([0, 0, 75, 100], 0.9)]);
    expect(three).toMatchObject({ ap50: 1, ap75: 1 });
    expect(three.ap).toBeCloseTo(0.6, digits);
    expect(three.ar100).toBeCloseTo(0.6, digits);
    // 7499 of 10000.
    const less = metrics([object(whole)], [detection([0, 0, 74.99, 100], 0.9)]);
    expect(less).toMatchObject({ ap50: 1, ap75: 0 });
    expect(less.ap).toBeCloseTo(0.5, digits);
  });

  it('is -1 where there is nothing to be found, 0 where nothing is', () => {
    const none = metrics([], [detection(whole, 0.5)]);
    expect(Object.values(none)).toEqual(Array.from({ length: 12 }, () => -1));
    const missed = metrics([object(whole)], []);
    expect(Object.values(missed)).toEqual([0, 0, 0, -1, -1, 0, 0, 0, 0, -1, -1, 0]); // a large one
  });

  it('averages over the categories that have objects', () => {
    const objects = [object(whole), object(whole, { category: 7 }), object(whole, { category: 8, crowd: true })];
    const detections = [detection(whole, 0.5), detection(whole, 0.9, { category: 9 })];
    expect(cocoMetrics(objects, detections, [1], [0, 7, 8, 9]).ap).toBe(0.5);
  });

  it('leaves out other images and categories', () => {
    const objects = [object(whole), object(whole, { image: 3 }), object(whole, { category: 1 })];
    expect(metrics(objects, [detection(whole, 0.5), detection(whole, 0.9, { image: 3 })]).ap).toBe(1);
  });

  describe('of crowds', () => {
    const apart: Box = [500, 0, 100, 100];

    it('lets any number of detections within a crowd be', () => {
      const crowd = object(whole, { crowd: true });
      const inside = [0, 30, 60].map((x) => detection([x, 0, 30, 30], 0.95));
      expect(metrics([crowd, object(apart)], [...inside, detection(apart, 0.5)]).ap).toBe(1);
      // As an object, it makes three wrong ones come first (their IoU is 900/10000), and is missed: recall 1/2 at
      // precision 1/4, over 51 points.
      const missed = metrics([object(whole), object(apart)], [...inside, detection(apart, 0.5)]);
      expect(missed.ap).toBeCloseTo(51 / 101 / 4, digits);
      expect(missed.ar100).toBeCloseTo(1 / 2, digits);
    });

    it('takes the share of the detection, which can be too small', () => {
      // Half of the wrong detection is within the crowd: ignored at .50, wrong and first at the nine others.
      const crowd = object([5, 0, 100, 100], { crowd: true });
      const { ap, ap50 } = metrics([crowd, object(apart)], [detection([0, 0, 10, 10], 0.9), detection(apart, 0.5)]);
      expect(ap50).toBe(1);
      expect(ap).toBeCloseTo((1 + 9 / 2) / 10, digits);
    });

    it('prefers an object to a crowd that overlaps more', () => {
      // IoU .8 with the object, all of it within the crowd: right up to .80, ignored (not wrong) above.
      const { ap, ar100 } = metrics(
        [object([0, 0, 300, 300], { crowd: true }), object(whole)],
        [detection([0, 0, 80, 100], 0.9)],
      );
      expect(ap).toBeCloseTo(0.7, digits);
      expect(ar100).toBeCloseTo(0.7, digits);
    });
  });

  describe('of equal scores', () => {
    const wrong: Box = [500, 500, 50, 50];

    it('takes detections of an image as they come', () => {
      expect(metrics([object(whole)], [detection(whole, 0.5), detection(wrong, 0.5)]).ap).toBe(1);
      expect(metrics([object(whole)], [detection(wrong, 0.5), detection(whole, 0.5)]).ap).toBe(0.5);
    });

    it('takes images by ascending id, however they are listed', () => {
      for (const images of [
        [1, 2, 10],
        [10, 2, 1],
      ]) {
        const first = metrics([object(whole)], [detection(wrong, 0.5, { image: 10 }), detection(whole, 0.5)], images);
        expect(first.ap).toBe(1);
        const second = [detection(whole, 0.5, { image: 10 }), detection(wrong, 0.5, { image: 2 })];
        expect(metrics([object(whole, { image: 10 })], second, images).ap).toBe(0.5);
      }
    });

    it('gives the later of two objects that it overlaps equally', () => {
      // The first detection takes the object on the right; the second, which only reaches the left one, finds it free.
      const objects = [object([0, 0, 100, 100]), object([20, 0, 100, 100])];
      const between = detection([10, 0, 100, 100], 0.9);
      const left = detection([0, 0, 100, 100], 0.8);
      expect(metrics(objects, [between, left]).ap50).toBe(1);
      // The other way round it is left without: only the object it took first is found. 51 points.
      expect(metrics(objects.toReversed(), [between, { ...left, box: [-40, 0, 100, 100] }]).ap50).toBeCloseTo(
        51 / 101,
        digits,
      );
    });
  });

  describe('of size ranges', () => {
    it("goes by the annotation's area, both ends included", () => {
      for (const [area, found] of [
        [1023, [1, -1, -1]],
        [1024, [1, 1, -1]],
        [1025, [-1, 1, -1]],
        [9216, [-1, 1, 1]],
        [9217, [-1, -1, 1]],
      ] as const) {
        const { apSmall, apMedium, apLarge } = metrics([object(whole, { area })], [detection(whole, 0.5)]);
        expect([apSmall, apMedium, apLarge]).toEqual(found);
      }
    });

    it('ignores wrong detections of other sizes, and right ones of objects of other sizes', () => {
      const small: Box = [0, 0, 20, 20];
      const large: Box = [300, 300, 200, 200];
      const found = metrics(
        [object(small), object(large)],
        [
          detection([800, 800, 200, 200], 0.99), // large and wrong
          detection(small, 0.5),
          detection(large, 0.4),
        ],
      );
      expect(found).toMatchObject({ apSmall: 1, apMedium: -1, apLarge: 0.5 });
      // All: the wrong one first, then precision 1/2 and 2/3; the better of both at every recall.
      expect(found.ap).toBeCloseTo(2 / 3, digits);
    });
  });

  it('counts the best 1, 10 and 100 of an image and category', () => {
    const boxes = Array.from({ length: 120 }, (_, i): Box => [40 * i, 0, 35, 35]);
    const objects = boxes.map((box) => object(box));
    const found = metrics(
      objects,
      boxes.map((box, i) => detection(box, 1 - i / 1000)),
    );
    expect(found.ar1).toBeCloseTo(1 / 120, digits);
    expect(found.ar10).toBeCloseTo(10 / 120, digits);
    expect(found.ar100).toBeCloseTo(100 / 120, digits);
    expect(found.ap).toBeCloseTo(84 / 101, digits); // 0 … .83
  });
});

describe('cocoMetrics, of any data set,', () => {
  const box = fc.tuple(fc.nat(300), fc.nat(300), fc.integer({ min: 5, max: 200 }), fc.integer({ min: 5, max: 200 }));
  const objectsApart = fc
    .array(fc.record({ image: fc.integer({ min: 1, max: 4 }), category: fc.nat(2) }), { minLength: 1, maxLength: 20 })
    .chain((places) =>
      fc.tuple(
        ...places.map((place, i) =>
          fc.tuple(fc.integer({ min: 5, max: 200 }), fc.integer({ min: 5, max: 200 })).map(([width, height]) =>
            // No two in one place: each detection has one object to find.
            object([1000 * i, 0, width, height], place),
          ),
        ),
      ),
    );
  const of = (objects: readonly GroundTruth[], detections: readonly ScoredDetection[]) =>
    cocoMetrics(objects, detections, [1, 2, 3, 4], [0, 1, 2]);
  const defined = (found: CocoMetrics) => Object.values(found).filter((value) => value !== -1);
  /** Distinct scores. */
  const asDetections = (objects: readonly GroundTruth[]) =>
    objects.map(({ image, category, box: at }, i) => ({ image, category, box: at, score: 1 - i / 100 }));

  it('is 1 for the objects themselves, except recall with one detection', () => {
    fc.assert(
      fc.property(objectsApart, (objects) => {
        const { ar1, ar10, ...others } = of(objects, asDetections(objects));
        for (const value of Object.values(others)) if (value !== -1) expect(value).toBeCloseTo(1, digits);
        expect(ar1).toBeLessThanOrEqual(ar10);
        expect(ar1).toBeGreaterThan(0);
      }),
    );
  });

  it('is 0 for nothing', () => {
    fc.assert(
      fc.property(objectsApart, (objects) => {
        expect(new Set(defined(of(objects, [])))).toEqual(new Set([0]));
      }),
    );
  });

  it('does not depend on any order where scores differ', () => {
    const some = fc.array(fc.record({ image: fc.integer({ min: 1, max: 4 }), category: fc.nat(2), box }), {
      maxLength: 25,
    });
    fc.assert(
      fc.property(some, some, fc.infiniteStream(fc.nat()), (truth, found, numbers) => {
        const objects = truth.map(({ box: at, ...place }, i) => object(at, { ...place, area: 50 * i * i + 1 }));
        const detections = found.map((one, i) => ({ ...one, score: 1 - i / 100 }));
        const shuffled = <T>(items: readonly T[]) =>
          items
            .map((item) => ({ item, key: numbers.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ item }) => item);
        expect(cocoMetrics(objects, shuffled(detections), shuffled([1, 2, 3, 4]), [0, 1, 2])).toEqual(
          of(objects, detections),
        );
      }),
    );
  });

  it('is lowered by duplicates before the last match, and unchanged by those after it', () => {
    fc.assert(
      fc.property(objectsApart, (objects) => {
        const detections = asDetections(objects);
        const before = of(objects, detections);
        const behind = of(objects, [...detections, ...detections.map((one) => ({ ...one, score: one.score - 1 }))]);
        expect(behind.ap).toBeCloseTo(before.ap, digits);
        const between = of(
          objects,
          detections.flatMap((one) => [one, { ...one, score: one.score - 1 / 1000 }]),
        );
        const perCategory = [0, 1, 2].map((c) => objects.filter(({ category }) => category === c).length);
        if (Math.max(...perCategory) > 1) expect(between.ap).toBeLessThan(before.ap - 0.01);
        else expect(between.ap).toBeCloseTo(before.ap, digits);
      }),
    );
  });
});

describe('cocoMetrics on random data sets', () => {
  const lines = readFileSync(new URL('pycocotools-cases.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  it('has 29 of them', () => expect(lines).toHaveLength(29));
  it.each(lines.map((line, i) => [i, line] as const))('agrees with pycocotools (%i)', (_, line) => {
    const {
      images,
      categories,
      annotations,
      detections,
      metrics: expected,
    } = JSON.parse(line) as {
      images: number[];
      categories: number[];
      annotations: [number, number, Box, number, 0 | 1][];
      detections: [number, number, Box, number][];
      metrics: CocoMetrics;
    };
    const found = cocoMetrics(
      annotations.map(([image, category, at, area, crowd]) =>
        object(at, { image, category, area, crowd: crowd === 1 }),
      ),
      detections.map(([image, category, at, score]) => detection(at, score, { image, category })),
      images,
      categories,
    );
    for (const [name, value] of Object.entries(expected)) {
      expect(found[name as keyof CocoMetrics], name).toBeCloseTo(value, digits);
    }
  });
});
