// What examples/web says: which network is faster, and how many there are of what.
import { describe, expect, it } from 'vitest';
import { counted, summary } from '../../examples/web/src/plural.ts';
import { isMeasured, lowerQuartile, minPairs, speedup, verdict } from '../../examples/web/src/verdict.ts';
import { coco80 } from '../../src/vision/coco-labels.ts';

const names = ['Skipping zeros', 'Multiplying zeros'];
const times = (ms: number, count = minPairs) => Array.from({ length: count }, () => ms);

describe('the verdict', () => {
  it('comes with twenty pairs, not before', () => {
    expect(minPairs).toBe(20);
    expect(verdict([times(1, 19), times(2, 20)], names)).toBe('Measuring: 19 of 20 pairs of runs');
    expect(verdict([times(1), times(2)], names)).toBe('Skipping zeros is 2.0 × as fast as multiplying zeros');
  });

  it('says that speeds are the same, and that the first is slower', () => {
    expect(verdict([times(1), times(1.04)], names)).toBe('Skipping zeros and multiplying zeros: the same speed');
    expect(verdict([times(1.04), times(1)], names)).toContain('the same speed');
    expect(verdict([times(1.5), times(1)], names)).toBe(
      'Skipping zeros is slower here: it takes 1.5 × as long as multiplying zeros',
    );
  });

  it('is not moved by slow first runs and interruptions', () => {
    const noisy = [...times(40, 6), ...times(4, 40), ...times(300, 2), ...times(4, 18)];
    expect(lowerQuartile(noisy)).toBe(4);
    expect(speedup([noisy, times(8, 66)])).toBe(2);
    // only the latest count: after a hundred runs nothing is left of the first
    expect(lowerQuartile([...times(1, 50), ...times(3, 100)])).toBe(3);
  });
});

describe('times', () => {
  it('are not known while they fall', () => {
    const falling = [...times(4, 20), ...times(2, 5)];
    expect(isMeasured([falling, times(4, 25)])).toBe(false);
    expect(verdict([falling, times(4, 25)], names)).toBe('Measuring: 25 pairs of runs, not steady yet');
    expect(isMeasured([[...times(4, 20), ...times(2, 20)], times(4, 40)])).toBe(true);
  });

  it('are not known while chance decides', () => {
    const uneven = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? 4 : 5));
    expect(isMeasured([uneven, times(4, 30)])).toBe(false);
  });

  it('are known after 200 pairs, whatever they are', () => {
    const uneven = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 4 : 5));
    expect(isMeasured([uneven, times(4, 200)])).toBe(true);
  });
});

describe('counts', () => {
  it('are in plain plurals', () => {
    expect(summary([])).toBe('Nothing found');
    expect(summary(['person', 'dog', 'person', 'bus', 'bus'])).toBe('2 people, 1 dog, 2 buses');
  });

  it('of every class of COCO look like English', () => {
    expect(coco80.length).toBe(80);
    const plurals = coco80.map((label) => counted(2, label).slice(2));
    const odd = plurals.filter((plural, i) => plural !== `${coco80[i]}s`);
    expect(odd).toEqual([
      'people',
      'buses',
      'benches',
      'sheep',
      'skis',
      'wine glasses',
      'knives',
      'sandwiches',
      'broccoli',
      'couches',
      'mice',
      'scissors',
      'toothbrushes',
    ]);
  });
});
