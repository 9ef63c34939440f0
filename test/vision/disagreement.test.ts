import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CandidateList } from '../../src/vision/candidates.ts';
import { disagreement, objectsOf } from '../../src/vision/disagreement.ts';

type Box = readonly [x: number, y: number, size: number, score: number, classIndex?: number];

/** What is left of boxes once each object counts once. */
function objects(...boxes: Box[]) {
  const list = new CandidateList();
  for (const [x, y, size, score, classIndex = 0] of boxes) list.add([x, y, x + size, y + size], score, classIndex);
  return objectsOf(list.finish());
}

describe('disagreement', () => {
  it('is what objects lack in place and score, as a share', () => {
    const one = objects([0, 0, 10, 0.8]);
    expect(disagreement(one, one)).toBe(0);
    expect(disagreement(one, objects([0, 0, 10, 0.4]))).toBeCloseTo(0.4 / 1.2, 6);
    // half of it is the other's, a third of both
    expect(disagreement(one, objects([5, 0, 10, 0.8]))).toBeCloseTo(2 / 3, 6);
    expect(disagreement(one, objects([0, 0, 10, 0.8, 1]))).toBe(1);
    expect(disagreement(one, objects([20, 0, 10, 0.8]))).toBe(1);
    expect(disagreement(one, objects())).toBe(1);
    expect(disagreement(objects(), objects())).toBe(0);
  });

  it('counts an object once, however many candidates show it', () => {
    const one = objects([0, 0, 10, 0.8], [30, 0, 10, 0.5, 2]);
    expect(one.length).toBe(2);
    expect(disagreement(one, objects([0, 0, 10, 0.8], [0, 1, 10, 0.7], [30, 0, 10, 0.5, 2]))).toBe(0);
  });

  it('is the same both ways, from 0 to 1', () => {
    const size = fc.integer({ min: 1, max: 8 });
    const box = fc.tuple(fc.nat(8), fc.nat(8), size, fc.double({ min: 0.01, max: 1, noNaN: true }), fc.nat(1));
    const boxes = fc.array(box, { maxLength: 5 });
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const [one, other] = [objects(...a), objects(...b)];
        const found = disagreement(one, other);
        expect(found).toBeGreaterThanOrEqual(0);
        expect(found).toBeLessThanOrEqual(1);
        expect(disagreement(other, one)).toBeCloseTo(found, 12);
        expect(disagreement(one, one)).toBeCloseTo(0, 12);
      }),
    );
  });
});
